module format-v2

go 1.26.0
