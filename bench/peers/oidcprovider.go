package peers

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"registrar/bench/process"
)

// oidcProcesses is the number of processes of node-oidc-provider: JavaScript runs on one processor of each.
const oidcProcesses = 2

// StartOIDCProvider starts processes of node-oidc-provider on a MySQL database, which have together as many connections
// to it as registrar has. Their logs are in the folder.
func StartOIDCProvider(ctx context.Context, program, folder, dsn string) (started []*process.Process, err error) {
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	for i := range oidcProcesses {
		cmd := exec.Command("node", program, config.Addr, config.DBName, strconv.Itoa(32/oidcProcesses))
		cmd.Env = append(cmd.Environ(), "NODE_ENV=production")
		p, err := process.Start(ctx, cmd, filepath.Join(folder, fmt.Sprintf("node-%d.log", i+1)))
		if err != nil {
			for _, p := range started {
				err = errors.Join(err, p.Stop())
			}
			return nil, err
		}
		started = append(started, p)
	}
	return started, nil
}
