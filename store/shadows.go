package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"registrar/scripts"
)

// maxDifferences bounds the stored differences of each script.
const maxDifferences = 1000

type shadowRow struct {
	Deployment int64  `gorm:"primaryKey;autoIncrement:false"`
	Script     string `gorm:"primaryKey"`
	Module     string
	Same       int64
	Changed    int64
	Refused    int64
	Failed     int64
	Dropped    int64
}

func (shadowRow) TableName() string { return "shadows" }

type differenceRow struct {
	ID         int64 `gorm:"primaryKey"`
	Deployment int64
	Script     string
	At         time.Time
	Outcome    string
	Changes    string
}

func (differenceRow) TableName() string { return "shadow_differences" }

// AddShadow adds counts and differences to those of the script in the deployment. It keeps the latest 1,000 differences
// of each script, of all deployments together.
func (s *Store) AddShadow(ctx context.Context, add scripts.Shadow) error {
	rows := make([]*differenceRow, 0, len(add.Differences))
	for _, d := range add.Differences {
		at, err := instant(d.At)
		if err != nil {
			return fmt.Errorf("storing the shadow results of script %s: %w", add.Script, err)
		}
		rows = append(rows, &differenceRow{
			Deployment: add.Deployment, Script: add.Script, At: at, Outcome: d.Outcome, Changes: string(d.Changes),
		})
	}
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := addCounts(tx, add); err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			r.ID = 0
		}
		if err := tx.Create(&rows).Error; err != nil {
			return err
		}
		return deleteOldDifferences(tx, add.Script)
	})
	if err != nil {
		return fmt.Errorf("storing the shadow results of script %s: %w", add.Script, classify(ctx, err))
	}
	return nil
}

// deleteOldDifferences deletes all but the latest maxDifferences of a script.
func deleteOldDifferences(tx *gorm.DB, script string) error {
	var oldest int64
	err := tx.Model(&differenceRow{}).Select("id").Where("script = ?", script).
		Order("id DESC").Offset(maxDifferences - 1).Limit(1).Take(&oldest).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.Where("script = ? AND id < ?", script, oldest).Delete(&differenceRow{}).Error
}

// addCounts adds counts to the row of the script in the deployment, or inserts it.
func addCounts(tx *gorm.DB, add scripts.Shadow) error {
	row := &shadowRow{
		Deployment: add.Deployment, Script: add.Script, Module: add.Module,
		Same: add.Same, Changed: add.Changed, Refused: add.Refused, Failed: add.Failed, Dropped: add.Dropped,
	}
	sums := map[string]any{}
	for column, n := range map[string]int64{
		"same": add.Same, "changed": add.Changed, "refused": add.Refused, "failed": add.Failed, "dropped": add.Dropped,
	} {
		sums[column] = gorm.Expr("shadows."+column+" + ?", n)
	}
	return tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "deployment"}, {Name: "script"}},
		DoUpdates: clause.Assignments(sums),
	}).Create(row).Error
}

// Shadows returns the results of a script in shadow mode, or of all scripts if script is empty: at most 100 of them,
// the newest deployment first. Each has at most n differences, 0 meaning none; the maximum is 1000.
func (s *Store) Shadows(ctx context.Context, script string, n int) ([]scripts.Shadow, error) {
	db := s.reader.WithContext(ctx).Order("deployment DESC, script").Limit(pageSize(0))
	if script != "" {
		db = db.Where("script = ?", script)
	}
	var rows []*shadowRow
	if err := db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("listing shadow results: %w", classify(ctx, err))
	}
	list := make([]scripts.Shadow, 0, len(rows))
	for _, r := range rows {
		differences, err := s.differences(ctx, r, n)
		if err != nil {
			return nil, fmt.Errorf("listing the shadow results of script %s: %w", r.Script, classify(ctx, err))
		}
		list = append(list, scripts.Shadow{
			Deployment: r.Deployment, Script: r.Script, Module: r.Module, Differences: differences,
			ShadowCounts: scripts.ShadowCounts{
				Same: r.Same, Changed: r.Changed, Refused: r.Refused, Failed: r.Failed, Dropped: r.Dropped,
			},
		})
	}
	return list, nil
}

func (s *Store) differences(ctx context.Context, of *shadowRow, n int) ([]scripts.ShadowDifference, error) {
	list := []scripts.ShadowDifference{}
	if n == 0 {
		return list, nil
	}
	var rows []*differenceRow
	err := s.reader.WithContext(ctx).Where("script = ? AND deployment = ?", of.Script, of.Deployment).
		Order("id DESC").Limit(pageSize(n)).Find(&rows).Error
	for _, r := range rows {
		list = append(list,
			scripts.ShadowDifference{At: r.At.UTC(), Outcome: r.Outcome, Changes: jsontext.Value(r.Changes)})
	}
	return list, err
}
