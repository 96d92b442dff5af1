"""An Answer as a person or a program gets it: the only place with words for people."""
