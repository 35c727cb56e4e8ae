package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/pressly/goose/v3"

	"registrar/scripts"
)

const (
	// replicasSince is the version of the schema that brought the table replicas.
	replicasSince = 3
	// replicaKept is how long the row of a replica that ended without removing it is kept.
	replicaKept = time.Hour
	// maxProblem bounds a replica's problem, in characters.
	maxProblem = 2000
	// maxReplicas bounds the replicas of a list.
	maxReplicas = 1000
)

// replicaSQL are the statements on replicas in one dialect. Their times are by the database's clock.
type replicaSQL struct{ beat, list, drop string }

var replicaStatements = map[goose.Dialect]replicaSQL{
	goose.DialectSQLite3: {
		// %f has milliseconds; stored times have six digits.
		beat: `INSERT INTO replicas (id, version, address, deployment, problem, started_at, beat_at)
			VALUES (?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', format('-%.3f seconds', ? / 1e6)),
				strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'))
			ON CONFLICT (id) DO UPDATE SET version = excluded.version, address = excluded.address,
				deployment = excluded.deployment, problem = excluded.problem, beat_at = excluded.beat_at`,
		list: `SELECT id, version, address, deployment, problem, started_at, beat_at,
				CAST((julianday('now') - julianday(beat_at)) * 86400e6 AS INTEGER)
			FROM replicas ORDER BY started_at, id LIMIT ?`,
		drop: `DELETE FROM replicas WHERE julianday(beat_at) < julianday('now') - ? / 86400e6`,
	},
	goose.DialectMySQL: {
		beat: `INSERT INTO replicas (id, version, address, deployment, problem, started_at, beat_at)
			VALUES (?, ?, ?, ?, ?, UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND, UTC_TIMESTAMP(6))
			ON DUPLICATE KEY UPDATE version = VALUES(version), address = VALUES(address),
				deployment = VALUES(deployment), problem = VALUES(problem), beat_at = VALUES(beat_at)`,
		list: `SELECT id, version, address, deployment, problem, started_at, beat_at,
				TIMESTAMPDIFF(MICROSECOND, beat_at, UTC_TIMESTAMP(6))
			FROM replicas ORDER BY started_at, id LIMIT ?`,
		drop: `DELETE FROM replicas WHERE beat_at < UTC_TIMESTAMP(6) - INTERVAL ? MICROSECOND`,
	},
}

// beats writes the row that this process keeps of itself, on a connection that nothing else uses: a check of the
// database must not wait for a pool.
type beats struct {
	db         *sql.DB // of one connection, which is made when it is first used
	dialect    goose.Dialect
	statements replicaSQL
	opened     time.Time

	// canWrite checks cheaply whether the database takes writes. It returns errWrite if only a write can tell. nil means
	// that a beat costs as little.
	canWrite func(context.Context, *sql.DB) error
	failed   atomic.Bool  // a client could not be stored since the last beat
	commit   atomic.Int64 // when the last client was stored, since opened; 0 means never
}

// errWrite reports that only a write can tell whether the database takes writes.
var errWrite = errors.New("only a write can tell")

// noteOutcome notes the outcome of storing a client.
func (b *beats) noteOutcome(err error) {
	if err == nil {
		b.commit.Store(int64(time.Since(b.opened)))
	} else if unavailable(err) {
		b.failed.Store(true)
	}
}

// LastCommit returns when this process last stored a client; zero if it has stored none.
func (s *Store) LastCommit() time.Time {
	if at := s.beats.commit.Load(); at != 0 {
		return s.beats.opened.Add(time.Duration(at))
	}
	return time.Time{}
}

// ReplicaID returns the ID of this process among the replicas.
func (s *Store) ReplicaID() string { return s.writerID.String() }

// Beat writes the row of this process, with the present time by the database's clock. It uses the Version, Address,
// Deployment and Problem of r. Its connection serves one call at a time.
func (s *Store) Beat(ctx context.Context, r scripts.Replica) error {
	problem := strings.ToValidUTF8(r.Problem, "\uFFFD") // it may quote bytes that others sent
	if utf8.RuneCountInString(problem) > maxProblem {
		problem = string([]rune(problem)[:maxProblem-1]) + "…"
	}
	_, err := s.beats.db.ExecContext(ctx, s.beats.statements.beat, s.ReplicaID(), r.Version, r.Address, r.Deployment,
		problem, time.Since(s.beats.opened).Microseconds())
	if err != nil {
		return fmt.Errorf("writing the row of this replica: %w", classify(ctx, err))
	}
	s.beats.failed.Store(false)
	return nil
}

// CheckWrite returns an error unless the database takes writes. Where it can, it does without one: with SQLite it takes
// the lock of writers, except after a client could not be stored, or while the disk is nearly full. Otherwise it is
// [Store.Beat].
func (s *Store) CheckWrite(ctx context.Context, r scripts.Replica) error {
	if s.beats.canWrite == nil || s.beats.failed.Load() {
		return s.Beat(ctx, r)
	}
	err := s.beats.canWrite(ctx, s.beats.db)
	if errors.Is(err, errWrite) {
		return s.Beat(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("taking the lock of writers: %w", classify(ctx, err))
	}
	return nil
}

// RemoveReplica removes the row of this process.
func (s *Store) RemoveReplica(ctx context.Context) error {
	if _, err := s.beats.db.ExecContext(ctx, "DELETE FROM replicas WHERE id = ?", s.ReplicaID()); err != nil {
		return fmt.Errorf("removing the row of this replica: %w", classify(ctx, err))
	}
	return nil
}

// DropDeadReplicas removes the rows of replicas that have not written theirs for an hour.
func (s *Store) DropDeadReplicas(ctx context.Context) error {
	if _, err := s.beats.db.ExecContext(ctx, s.beats.statements.drop, replicaKept.Microseconds()); err != nil {
		return fmt.Errorf("removing the rows of dead replicas: %w", classify(ctx, err))
	}
	return nil
}

// Replicas returns the servers on this database that have written their rows in the last hour, the oldest first; at
// most 1,000.
func (s *Store) Replicas(ctx context.Context) ([]scripts.Replica, error) {
	list, err := readReplicas(s.reader.WithContext(ctx).Raw(s.beats.statements.list, maxReplicas).Rows())
	if err != nil {
		return nil, fmt.Errorf("listing replicas: %w", classify(ctx, err))
	}
	return list, nil
}

// readReplicas reads and closes the rows of replicaSQL.list.
func readReplicas(rows *sql.Rows, err error) ([]scripts.Replica, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []scripts.Replica{}
	for rows.Next() {
		var r scripts.Replica
		var age int64 // in microseconds
		err := rows.Scan(&r.ID, &r.Version, &r.Address, &r.Deployment, &r.Problem, &r.StartedAt, &r.BeatAt, &age)
		if err != nil {
			return nil, err
		}
		if time.Duration(age)*time.Microsecond >= replicaKept {
			continue // the next replica that looks removes it
		}
		r.StartedAt, r.BeatAt = r.StartedAt.UTC(), r.BeatAt.UTC()
		r.Live = time.Duration(age)*time.Microsecond < scripts.ReplicaLife
		list = append(list, r)
	}
	return list, rows.Err()
}
