"""Files, cameras and streams: frames in, moments with tracks and events out, into sinks."""
