package store

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"registrar/scripts"
)

// moduleBounds are the bounds on what is stored of modules.
type moduleBounds struct {
	number int
	size   int64 // of all, in bytes
}

// check returns a *[scripts.RejectedError] if a module of that size does not fit. Until tx ends, no other module is
// added.
func (b moduleBounds) check(tx *gorm.DB, size int64) error {
	// Every upload locks the same row. Locking the modules that are counted would not keep others from being added, and
	// the gaps between them deadlock.
	var lock []int64
	err := tx.Table("schema_requirements").Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
		Pluck("least_program", &lock).Error
	if err != nil {
		return err
	}
	var stored struct {
		Number int
		Size   int64
	}
	err = tx.Model(&moduleRow{}).Select("COUNT(*) AS number, COALESCE(SUM(size), 0) AS size").Scan(&stored).Error
	switch {
	case err != nil:
		return err
	case stored.Number >= b.number:
		return scripts.Reject("%d modules are stored: at most %d are allowed (--max-modules); delete one that no "+
			"deployment needs",
			stored.Number, b.number)
	case stored.Size+size > b.size:
		return scripts.Reject("the stored modules have %d bytes and this one %d: at most %d are allowed "+
			"(--max-modules-size); "+
			"delete one that no deployment needs", stored.Size, size, b.size)
	}
	return nil
}
