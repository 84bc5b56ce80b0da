"""Covering faces in photos and videos, so that none is left bare where in doubt."""
