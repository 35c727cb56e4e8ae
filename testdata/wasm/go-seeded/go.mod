module example/go-seeded

go 1.26
