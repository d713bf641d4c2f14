"""What comes back beside the pictures: prints, warnings, files."""
