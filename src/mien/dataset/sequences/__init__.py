"""Layouts of labelled face sequences: CK+, folders of clips, RAVDESS, CREMA-D, AFEW, DFEW."""
