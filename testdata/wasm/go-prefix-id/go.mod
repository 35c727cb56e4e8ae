module example/go-prefix-id

go 1.26
