package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"registrar/scripts"
)

type deploymentRow struct {
	Number    int64 `gorm:"primaryKey;autoIncrement:false"`
	Scripts   string
	Comment   string
	CopyOf    int64
	CreatedBy string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

func (deploymentRow) TableName() string { return "deployments" }

// AddDeployment appends d durably under the number after the last one, and returns it with that number. It ignores
// d.Number. If ifCurrent is not nil and not the number of the deployment in force (0 before the first), it returns
// [scripts.ErrConflict]. If ifCurrent is nil, concurrent calls append one after the other. If d names a module that
// does not exist, the error names the module and matches [scripts.ErrNotFound].
//
// An error that matches [engine.ErrOutcomeUnknown] means that ctx ended or the connection broke, and that d may have
// been appended. With ifCurrent it is safe to try again: d is appended at most once.
func (s *Store) AddDeployment(ctx context.Context, d scripts.Deployment, ifCurrent *int64) (scripts.Deployment, error) {
	row, err := newDeploymentRow(d)
	if err != nil {
		return scripts.Deployment{}, fmt.Errorf("storing a deployment: %w", err)
	}
	for range maxAttempts {
		err = s.transaction(ctx, func(tx *gorm.DB) error { return appendDeployment(tx, row, d.Scripts, ifCurrent) })
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			break
		}
		// Another deployment took the number. The next attempt sees it.
		err = scripts.ErrConflict
	}
	if err != nil {
		return scripts.Deployment{}, fmt.Errorf("storing a deployment: %w", classifyWrite(ctx, err))
	}
	return row.deployment()
}

// newDeploymentRow returns the row for d, without a number.
func newDeploymentRow(d scripts.Deployment) (*deploymentRow, error) {
	list, err := encodeList(d.Scripts)
	if err != nil {
		return nil, err
	}
	createdAt, err := instant(d.CreatedAt)
	if err != nil {
		return nil, err
	}
	return &deploymentRow{
		Scripts: list, Comment: d.Comment, CopyOf: d.CopyOf, CreatedBy: d.CreatedBy, CreatedAt: createdAt,
	}, nil
}

func appendDeployment(tx *gorm.DB, row *deploymentRow, list []scripts.Script, ifCurrent *int64) error {
	if err := checkModules(tx, list); err != nil {
		return err
	}
	last, err := lastNumber(tx)
	if err != nil {
		return err
	}
	if ifCurrent != nil && *ifCurrent != last {
		return fmt.Errorf("%w: deployment %d is in force, not %d", scripts.ErrConflict, last, *ifCurrent)
	}
	row.Number = last + 1
	return tx.Create(row).Error
}

// checkModules returns an error if a module that a script names does not exist. It keeps the modules from being deleted
// until tx ends.
func checkModules(tx *gorm.DB, list []scripts.Script) error {
	var digests []string
	for _, script := range list {
		digests = append(digests, script.Module)
	}
	if len(digests) == 0 {
		return nil
	}
	existing, err := lockModules(tx, digests)
	if err != nil {
		return err
	}
	for _, script := range list {
		if !slices.Contains(existing, script.Module) {
			return fmt.Errorf("script %s: module %s: %w", script.Name, script.Module, scripts.ErrNotFound)
		}
	}
	return nil
}

func (r *deploymentRow) deployment() (scripts.Deployment, error) {
	list, err := decodeJSON[[]scripts.Script](r.Scripts)
	if err != nil {
		return scripts.Deployment{}, fmt.Errorf("deployment %d: %w", r.Number, err)
	}
	return scripts.Deployment{
		Number: r.Number, Scripts: list, Comment: r.Comment, CopyOf: r.CopyOf,
		CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.UTC(),
	}, nil
}

// Deployment returns the deployment with the given number, or [scripts.ErrNotFound]. Its Scripts are never nil.
func (s *Store) Deployment(ctx context.Context, number int64) (scripts.Deployment, error) {
	var row deploymentRow
	if err := s.reader.WithContext(ctx).Where("number = ?", number).Take(&row).Error; err != nil {
		err = classifyRow(ctx, err, scripts.ErrNotFound)
		return scripts.Deployment{}, fmt.Errorf("reading deployment %d: %w", number, err)
	}
	return row.deployment()
}

// Deployments returns deployments with a number below before, newest first; a before of 0 means no bound. It returns at
// most n of them; 0 means 100, and the maximum is 1000.
func (s *Store) Deployments(ctx context.Context, before int64, n int) ([]scripts.Deployment, error) {
	db := s.reader.WithContext(ctx).Order("number DESC").Limit(pageSize(n))
	if before > 0 {
		db = db.Where("number < ?", before)
	}
	var rows []*deploymentRow
	if err := db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("listing deployments: %w", classify(ctx, err))
	}
	deployments := make([]scripts.Deployment, 0, len(rows))
	for _, r := range rows {
		d, err := r.deployment()
		if err != nil {
			return nil, fmt.Errorf("listing deployments: %w", err)
		}
		deployments = append(deployments, d)
	}
	return deployments, nil
}

// CurrentDeployment returns the deployment in force. Before the first one, that is number 0 without scripts.
func (s *Store) CurrentDeployment(ctx context.Context) (scripts.Deployment, error) {
	latest, err := s.Deployments(ctx, 0, 1)
	if err != nil {
		return scripts.Deployment{}, err
	}
	if len(latest) == 0 {
		return scripts.Deployment{Scripts: []scripts.Script{}}, nil
	}
	return latest[0], nil
}

// CurrentDeploymentNumber returns the number of the deployment in force, 0 before the first. It is cheap enough for
// polling, because it reads one entry of an index.
func (s *Store) CurrentDeploymentNumber(ctx context.Context) (int64, error) {
	n, err := lastNumber(s.reader.WithContext(ctx))
	if err != nil {
		return 0, fmt.Errorf("reading the number of the deployment in force: %w", classify(ctx, err))
	}
	return n, nil
}

func lastNumber(db *gorm.DB) (n int64, err error) {
	err = db.Model(&deploymentRow{}).Select("COALESCE(MAX(number), 0)").Take(&n).Error
	return n, err
}
