"""Profiles in the format of pprof: `go tool pprof` opens them, and so does whatever else reads profile.proto."""
