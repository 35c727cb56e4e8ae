package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm/schema"

	"registrar/engine"
)

// NewestMigration exports newestMigration.
const NewestMigration = newestMigration

// Classify exports classify.
func Classify(ctx context.Context, err error) error { return classify(ctx, err) }

// ClassifyRow exports classifyRow.
func ClassifyRow(ctx context.Context, err, absent error) error { return classifyRow(ctx, err, absent) }

// RowColumns returns the columns of the row types, by table.
func RowColumns() (map[string][]string, error) {
	columns := map[string][]string{}
	for _, row := range []any{&clientRow{}, &documentRow{}, &moduleRow{}, &deploymentRow{}, &adminTokenRow{},
		&initialTokenRow{}} {
		s, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
		if err != nil {
			return nil, err
		}
		columns[s.Table] = s.DBNames
	}
	return columns, nil
}

// ReadValue returns the only value of a query on a connection that s reads with.
func (s *Store) ReadValue(query string) (v string, err error) {
	err = s.reader.Raw(query).Row().Scan(&v)
	return v, err
}

// WriteValue returns the only value of a query on a connection that s writes with.
func (s *Store) WriteValue(query string) (v string, err error) {
	err = s.writer.Raw(query).Row().Scan(&v)
	return v, err
}

// DoubleClients adds a copy of each client, with another ID and sequence number.
func (s *Store) DoubleClients() error {
	id, sequence := "client_id || '-' || (SELECT COUNT(*) FROM clients)", "sequence + (SELECT COUNT(*) FROM clients)"
	if s.writer.Name() == "mysql" {
		id = "CONCAT(client_id, '-', (SELECT COUNT(*) FROM clients))"
	}
	return s.writer.Exec("INSERT INTO clients " +
		"(client_id, registration, issued_at, metadata, caller, deployment, acts, writer, sequence, event) " +
		"SELECT " + id + ", registration, issued_at, metadata, caller, deployment, acts, writer, " + sequence +
		", event " +
		"FROM clients").Error
}

// LatestPlans returns the database's plans for the queries of the latest clients, by query.
func (s *Store) LatestPlans() (map[string]string, error) {
	return s.plans(map[string][]any{
		latestPlaced: {1000, latestPage},
		latestCount:  {1000},
	})
}

// ListPlans returns the database's plans for the queries of a filtered list of clients, by query. The range begins in
// the middle of 16,384 clients.
func (s *Store) ListPlans() (map[string]string, error) {
	f := &engine.ClientFilter{TokenID: "t", Name: "n", NeverSeen: true}
	queries := map[string][]any{}
	for _, l := range listings {
		statements := l.statements[s.beats.dialect]
		queries[l.lowestExamined] = []any{12000, maxExamined - 1}
		queries[statements.clients] = append(filterArguments(f, 12000, 2000), 100)
		queries[statements.callers] = append(filterArguments(f, 12000, 2000), 100)
	}
	return s.plans(queries)
}

func (s *Store) plans(queries map[string][]any) (map[string]string, error) {
	explain := "EXPLAIN "
	if s.reader.Name() == "sqlite" {
		explain = "EXPLAIN QUERY PLAN "
	}
	plans := map[string]string{}
	for query, args := range queries {
		rows, err := s.reader.Raw(explain+query, args...).Rows()
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return nil, err
		}
		values, dest := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		var plan strings.Builder
		for rows.Next() {
			if err := rows.Scan(dest...); err != nil {
				return nil, err
			}
			for _, v := range values {
				fmt.Fprint(&plan, v.String, " ")
			}
			fmt.Fprintln(&plan)
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		plans[query] = plan.String()
	}
	return plans, nil
}

// WithLease returns the configuration with another lease of the lock of migrations.
func (c Config) WithLease(lease time.Duration) Config {
	c.lease = lease
	return c
}

// BeatValue returns the only value of a query on the connection with which s writes the row of its replica.
func (s *Store) BeatValue(query string) (v string, err error) {
	err = s.beats.db.QueryRow(query).Scan(&v)
	return v, err
}
