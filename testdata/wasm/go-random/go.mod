module example/go-random

go 1.26
