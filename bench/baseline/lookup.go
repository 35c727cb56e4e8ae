package baseline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-sql-driver/mysql"
	"github.com/labstack/echo/v4"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/gormlite"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"

	"registrar/server/adminapi"
)

// LookUp serves until ctx is done: GET /admin/v1/clients/{id} of a registrar database on MariaDB. It selects the row of
// the client by its ID, with GORM and a prepared statement, and answers with registrar's members. It asks for no token.
// Scripts that clients name must have been deployed before.
func LookUp(ctx context.Context, dsn string, log io.Writer) error {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return err
	}
	config.ParseTime = true
	return lookingUp(ctx, gormmysql.Open(config.FormatDSN()), connections, log)
}

// LookUpSQLite is like [LookUp], on a SQLite file. It has as many connections as registrar has for reading.
func LookUpSQLite(ctx context.Context, file string, log io.Writer) error {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	pool, err := driver.Open("file:"+(&url.URL{Path: absolute}).EscapedPath()+"?mode=rw", func(c *sqlite3.Conn) error {
		if err := c.BusyTimeout(time.Minute); err != nil {
			return err
		}
		return c.Exec("PRAGMA query_only = ON")
	})
	if err != nil {
		return err
	}
	return lookingUp(ctx, gormlite.OpenDB(pool), min(max(runtime.GOMAXPROCS(0), 2), 8), log)
}

func lookingUp(ctx context.Context, dialector gorm.Dialector, size int, log io.Writer) error {
	db, err := gorm.Open(dialector, &gorm.Config{SkipDefaultTransaction: true, PrepareStmt: true, QueryFields: true})
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	e := echo.New()
	e.GET(adminapi.PathClient, (&lookUps{db: db}).show)
	return errors.Join(listen(ctx, e, log), pool.Close())
}

// A lookUps looks clients up.
type lookUps struct {
	db      *gorm.DB
	scripts sync.Map // lists of deployed scripts, by the number of the deployment
}

// A registered is what an answer needs of a row of registrar's table.
type registered struct {
	ClientID          string
	IssuedAt          time.Time
	Metadata          string
	Caller            string
	SecretHash        []byte
	SecretExpiresAt   *time.Time
	Deployment        int64
	Acts              string
	FormerExpiresAt   *time.Time
	UpdatedAt         *time.Time
	UpdatedDeployment int64
	UpdatedActs       string
	SeenAt            *time.Time
	Status            *string
	AdminActs         *string
}

// TableName implements gorm's Tabler.
func (registered) TableName() string { return "clients" }

// show answers with one client, if it is active.
func (l *lookUps) show(c echo.Context) error {
	var row registered
	err := l.db.WithContext(c.Request().Context()).
		Take(&row, "client_id = ? AND status IS NULL", c.Param("id")).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	wire := adminapi.Client{ClientID: row.ClientID, IssuedAt: row.IssuedAt, SecretExpiresAt: row.SecretExpiresAt,
		HasSecret: row.SecretHash != nil, Metadata: jsontext.Value(row.Metadata), Caller: jsontext.Value(row.Caller),
		Deployment: row.Deployment, FormerSecretExpiresAt: row.FormerExpiresAt, SeenAt: row.SeenAt, Status: "active",
		Kind: "registered"}
	if wire.Acts, err = l.acts(row.Deployment, row.Acts); err != nil {
		return err
	}
	if row.UpdatedAt != nil {
		wire.Updated = &adminapi.Update{At: *row.UpdatedAt, Deployment: row.UpdatedDeployment}
		if wire.Updated.Acts, err = l.acts(row.UpdatedDeployment, row.UpdatedActs); err != nil {
			return err
		}
	}
	if row.AdminActs != nil {
		wire.AdminActs = jsontext.Value(*row.AdminActs)
	}
	b, err := json.Marshal(&wire)
	if err != nil {
		return err
	}
	return c.JSONBlob(http.StatusOK, b)
}

// acts writes acts as the admin API does. A row names the script of an act by its number in the deployment.
func (l *lookUps) acts(deployment int64, stored string) (jsontext.Value, error) {
	if stored == "[]" {
		return jsontext.Value(stored), nil
	}
	var short [][]jsontext.Value
	if err := json.Unmarshal([]byte(stored), &short); err != nil {
		return nil, fmt.Errorf("reading acts: %w", err)
	}
	list, err := l.deployed(deployment)
	if err != nil {
		return nil, err
	}
	acts := make([]act, len(short))
	for i, s := range short {
		var number int
		if err := json.Unmarshal(s[0], &number); err != nil {
			return nil, fmt.Errorf("reading acts: %w", err)
		}
		acts[i] = act{Step: s[1], Script: list[number].Name, Module: list[number].Module, Changed: s[2:]}
	}
	return json.Marshal(acts)
}

// An act is what a script did in a step.
type act struct {
	Step    jsontext.Value   `json:"step"`
	Script  string           `json:"script"`
	Module  string           `json:"module"`
	Changed []jsontext.Value `json:"changed,omitempty"`
}

// A script is one of a deployment.
type script struct {
	Name   string `json:"name"`
	Module string `json:"module"`
}

// deployed returns the scripts of a deployment, which never change.
func (l *lookUps) deployed(number int64) ([]script, error) {
	if list, known := l.scripts.Load(number); known {
		return list.([]script), nil
	}
	var text string
	if err := l.db.Raw("SELECT scripts FROM deployments WHERE number = ?", number).Scan(&text).Error; err != nil {
		return nil, err
	}
	var list []script
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("reading deployment %d: %w", number, err)
	}
	l.scripts.Store(number, list)
	return list, nil
}
