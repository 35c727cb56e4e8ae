package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"registrar/scripts"
)

type moduleRow struct {
	Digest    string `gorm:"primaryKey"`
	Name      string
	Size      int64
	Steps     string
	Imports   string
	MemoryMin int64
	Warnings  string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	Signature sql.Null[string]
	Wasm      []byte // large, so only ModuleBytes reads it
}

func (moduleRow) TableName() string { return "modules" }

// AddModule durably stores m and its bytes, and returns m as stored, and true. wasm must match m.Digest. If the digest
// is already stored, AddModule returns the stored module and false; it replaces only the signature, unless m.Signature
// is empty. It is thus safe to try again. A module for which there is no room gets a *[scripts.RejectedError].
func (s *Store) AddModule(ctx context.Context, m scripts.Module, wasm []byte) (stored scripts.Module, added bool,
	err error) {
	row, err := newModuleRow(m, wasm)
	if err != nil {
		return scripts.Module{}, false, fmt.Errorf("storing module %s: %w", m.Digest, err)
	}
	// Look first, to avoid sending the bytes of a stored module. In between, another caller may add or delete it.
	for range 3 {
		stored, err = s.Module(ctx, m.Digest)
		if err == nil && m.Signature != "" && m.Signature != stored.Signature {
			stored.Signature, err = m.Signature, s.signModule(ctx, m.Digest, row.Signature)
		}
		if !errors.Is(err, scripts.ErrNotFound) {
			return stored, false, err
		}
		err = s.transaction(ctx, func(tx *gorm.DB) error {
			if err := s.modules.check(tx, row.Size); err != nil {
				return err
			}
			return tx.Create(row).Error
		})
		if err == nil {
			stored, err = row.module()
			return stored, true, err
		}
		if !errors.Is(err, gorm.ErrDuplicatedKey) {
			break
		}
	}
	return scripts.Module{}, false, fmt.Errorf("storing module %s: %w", m.Digest, classifyWrite(ctx, err))
}

func (s *Store) signModule(ctx context.Context, digest string, signature sql.Null[string]) error {
	err := s.writer.WithContext(ctx).Model(&moduleRow{}).Where("digest = ?", digest).
		Update("signature", signature).Error
	if err != nil {
		return fmt.Errorf("storing the signature of module %s: %w", digest, classifyWrite(ctx, err))
	}
	return nil
}

// ModuleSignature returns the signature of the module with the given digest, "" if it has none, or
// [scripts.ErrNotFound].
func (s *Store) ModuleSignature(ctx context.Context, digest string) (string, error) {
	m, err := s.Module(ctx, digest)
	return m.Signature, err
}

func newModuleRow(m scripts.Module, wasm []byte) (*moduleRow, error) {
	if scripts.Digest(wasm) != m.Digest || len(wasm) != m.Size {
		return nil, errors.New("its bytes do not match its digest and size")
	}
	row := &moduleRow{Digest: m.Digest, Name: m.Name, Size: int64(m.Size), MemoryMin: int64(m.MemoryMin), Wasm: wasm}
	row.Signature = sql.Null[string]{V: m.Signature, Valid: m.Signature != ""}
	var err error
	if row.CreatedAt, err = instant(m.CreatedAt); err != nil {
		return nil, err
	}
	if row.Steps, err = encodeList(m.Steps); err != nil {
		return nil, err
	}
	if row.Imports, err = encodeList(m.Imports); err != nil {
		return nil, err
	}
	row.Warnings, err = encodeList(m.Warnings)
	return row, err
}

func (r *moduleRow) module() (scripts.Module, error) {
	m := scripts.Module{
		Digest: r.Digest, Name: r.Name, Size: int(r.Size), MemoryMin: uint64(r.MemoryMin), CreatedAt: r.CreatedAt.UTC(),
		Signature: r.Signature.V,
	}
	for _, list := range []struct {
		text string
		to   *[]string
	}{{r.Steps, &m.Steps}, {r.Imports, &m.Imports}, {r.Warnings, &m.Warnings}} {
		var err error
		if *list.to, err = decodeJSON[[]string](list.text); err != nil {
			return scripts.Module{}, fmt.Errorf("module %s: %w", r.Digest, err)
		}
	}
	return m, nil
}

// Module returns the module with the given digest, or [scripts.ErrNotFound]. Its lists are never nil.
func (s *Store) Module(ctx context.Context, digest string) (scripts.Module, error) {
	var row moduleRow
	if err := s.reader.WithContext(ctx).Omit("wasm").Where("digest = ?", digest).Take(&row).Error; err != nil {
		return scripts.Module{}, fmt.Errorf("reading module %s: %w", digest, classifyRow(ctx, err, scripts.ErrNotFound))
	}
	return row.module()
}

// ModuleBytes returns the bytes of the module with the given digest, or [scripts.ErrNotFound]. It returns an error if
// they do not match the digest.
func (s *Store) ModuleBytes(ctx context.Context, digest string) ([]byte, error) {
	var row moduleRow
	if err := s.reader.WithContext(ctx).Select("wasm").Where("digest = ?", digest).Take(&row).Error; err != nil {
		return nil, fmt.Errorf("reading the bytes of module %s: %w", digest, classifyRow(ctx, err, scripts.ErrNotFound))
	}
	if scripts.Digest(row.Wasm) != digest {
		return nil, fmt.Errorf("the stored bytes of module %s do not match its digest", digest)
	}
	return row.Wasm, nil
}

// Modules returns all modules, newest first.
func (s *Store) Modules(ctx context.Context) ([]scripts.Module, error) {
	var rows []*moduleRow
	if err := s.reader.WithContext(ctx).Omit("wasm").Order("created_at DESC, digest").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("listing modules: %w", classify(ctx, err))
	}
	modules := make([]scripts.Module, 0, len(rows))
	for _, r := range rows {
		m, err := r.module()
		if err != nil {
			return nil, fmt.Errorf("listing modules: %w", err)
		}
		modules = append(modules, m)
	}
	return modules, nil
}

// recentDeployments is the number of latest deployments whose modules are not deleted, so that they can be restored.
const recentDeployments = 20

// DeleteModule removes the module with the given digest, or returns [scripts.ErrNotFound]. It returns
// [scripts.ErrConflict] if one of the last 20 deployments uses the module, or the deployment that a canary in force
// falls back to; the error says which one. The check and the removal are atomic.
func (s *Store) DeleteModule(ctx context.Context, digest string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		// A transaction that deploys the module locks this row too. Reading the deployments after the lock sees it.
		locked, err := lockModules(tx, []string{digest})
		if err != nil {
			return err
		}
		if len(locked) == 0 {
			return scripts.ErrNotFound
		}
		if err := checkUnused(tx, digest); err != nil {
			return err
		}
		return tx.Where("digest = ?", digest).Delete(&moduleRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("deleting module %s: %w", digest, classifyWrite(ctx, err))
	}
	return nil
}

// checkUnused returns [scripts.ErrConflict] if a deployment uses the module that may be in force again: one of the last
// recentDeployments, or the latest one without canaries, which may be older.
func checkUnused(tx *gorm.DB, digest string) error {
	stable := false // a deployment without canaries was seen
	for before := int64(math.MaxInt64); !stable; {
		var rows []*deploymentRow
		err := tx.Where("number < ?", before).Order("number DESC").Limit(recentDeployments).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		recent := before == math.MaxInt64
		for _, r := range rows {
			d, err := r.deployment()
			if err != nil {
				return err
			}
			canary := slices.ContainsFunc(d.Scripts, func(s scripts.Script) bool { return s.IsCanary() })
			if !recent && (stable || canary) {
				continue
			}
			for _, script := range d.Scripts {
				if script.Module == digest {
					return fmt.Errorf("%w: deployment %d uses it as script %s", scripts.ErrConflict, d.Number,
						script.Name)
				}
			}
			stable = stable || !canary
		}
		before = rows[len(rows)-1].Number
	}
	return nil
}

// lockModules locks the modules with the given digests until tx ends, and returns the digests that exist. It locks in
// order, to avoid deadlocks.
func lockModules(tx *gorm.DB, digests []string) (existing []string, err error) {
	err = tx.Model(&moduleRow{}).Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).
		Where("digest IN ?", digests).Order("digest").Pluck("digest", &existing).Error
	return existing, err
}
