package peers

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-sql-driver/mysql"

	"registrar/bench/process"
)

// StartHydra creates Hydra's tables in an empty MySQL database and starts it on free ports of loopback, with
// registration open, secrets hashed by one round of PBKDF2, the least that it can, and as many connections to the
// database as registrar has. Its configuration and its log are in the folder.
func StartHydra(ctx context.Context, program, folder, dsn string) (*process.Process, error) {
	public, err := freePort()
	if err != nil {
		return nil, err
	}
	admin, err := freePort()
	if err != nil {
		return nil, err
	}
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	config.ParseTime = true
	config.Params = map[string]string{"max_conns": "32", "max_idle_conns": "32"} // Hydra takes them out
	url := fmt.Sprintf("http://127.0.0.1:%d", public)
	type object = map[string]any
	database := "mysql://" + config.FormatDSN()
	b, err := json.Marshal(object{
		"dsn": database,
		"serve": object{"public": object{"host": "127.0.0.1", "port": public},
			"admin": object{"host": "127.0.0.1", "port": admin}},
		"urls":    object{"self": object{"issuer": url + "/"}, "login": url + "/login", "consent": url + "/consent"},
		"secrets": object{"system": []string{"only for measurements of clients"}},
		"oidc":    object{"dynamic_client_registration": object{"enabled": true}},
		"oauth2":  object{"hashers": object{"algorithm": "pbkdf2", "pbkdf2": object{"iterations": 1}}},
		"sqa":     object{"opt_out": true}, // no telemetry
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "hydra.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, err
	}
	if err := run(ctx, folder, program, "migrate", "sql", "up", "--yes", database); err != nil {
		return nil, err
	}
	cmd := exec.Command(program, "serve", "all", "--dev", "--config", file) // --dev allows http
	return process.StartAt(ctx, cmd, filepath.Join(folder, "hydra.log"), url, "/health/ready")
}

// freePort returns a port of loopback that was free just now.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
