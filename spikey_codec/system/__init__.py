"""The machine below: files, standard streams, processes, progress on a terminal."""
