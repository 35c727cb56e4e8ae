package baseline

import (
	"context"
	"errors"
	"io"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// connections is the size of the single-row server's pool, the default of registrar's store.
const connections = 32

// SingleRow serves until ctx is done, with GORM and one INSERT per registration, prepared (PrepareStmt) and without a
// transaction around it (SkipDefaultTransaction). dsn is that of an empty database.
func SingleRow(ctx context.Context, dsn string, log io.Writer) error {
	db, err := open(dsn, connections)
	if err != nil {
		return err
	}
	err = serve(ctx, func(ctx context.Context, c *client) error { return db.WithContext(ctx).Create(c).Error }, log)
	return errors.Join(err, closing(db))
}

// open opens a database and creates the table of clients.
func open(dsn string, size int) (*gorm.DB, error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.ParseTime = true
	db, err := gorm.Open(gormmysql.Open(config.FormatDSN()),
		&gorm.Config{SkipDefaultTransaction: true, PrepareStmt: true})
	if err != nil {
		return nil, err
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return db, db.AutoMigrate(&client{})
}

func closing(db *gorm.DB) error {
	pool, err := db.DB()
	if err != nil {
		return err
	}
	return pool.Close()
}
