"""What every builder over media files shares: entries, analysis of files, splits, the build."""
