module example/go-policy

go 1.26
