"""A virtual machine with Debian's systemd, control groups v2, AppArmor and Docker, which runs Figbox as a service."""
