"""Where moments go: pictures, lines, tables, subtitles, reports, messages."""
