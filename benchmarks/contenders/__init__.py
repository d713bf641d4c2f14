"""Ways of making a picture of a program; each is one file, all are used alike (`contender.Contender`)."""
