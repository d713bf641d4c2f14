"""What the start looks at beside the settings themselves: names of variables, files with secrets, unix sockets."""
