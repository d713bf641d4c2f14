"""A virtual machine with systemd, control groups v2, AppArmor or SELinux, and Docker that runs Figbox as a service."""
