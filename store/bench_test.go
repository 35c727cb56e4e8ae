package store_test

import (
	"testing"

	"github.com/google/uuid"

	"registrar/store"
	"registrar/store/storetest"
)

func BenchmarkAddClient(b *testing.B) {
	for name, fresh := range map[string]func(testing.TB) string{"SQLite": storetest.SQLite, "MySQL": mysqlDatabase} {
		b.Run(name, func(b *testing.B) {
			s := open(b, store.Config{Database: fresh(b)})
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					c := newClient("")
					c.ID = uuid.Must(uuid.NewV7()).String()
					if err := s.AddClient(b.Context(), c); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkClient(b *testing.B) {
	for name, fresh := range map[string]func(testing.TB) string{"SQLite": storetest.SQLite, "MySQL": mysqlDatabase} {
		b.Run(name, func(b *testing.B) {
			s := open(b, store.Config{Database: fresh(b)})
			if err := s.AddClient(b.Context(), newClient("a")); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Client(b.Context(), "a"); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkCurrentDeploymentNumber(b *testing.B) {
	s := open(b, store.Config{Database: storetest.SQLite(b)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.CurrentDeploymentNumber(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
