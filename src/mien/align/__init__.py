"""From a detection to crops that the per-face networks expect."""
