package cli

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// replicaCommands are the commands on the servers of a database.
type replicaCommands struct {
	List replicaListCommand `cmd:"" help:"${replica_list_command}"`
}

// replicaListCommand lists replicas.
type replicaListCommand struct{ remoteFlags }

// Run lists the replicas.
func (c *replicaListCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	list, err := api.Replicas(ctx)
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.Replicas{Replicas: list}, func(p *textWriter) {
		rows := [][]string{{"ID", "ADDRESS", "VERSION", "DEPLOYMENT", "STARTED", "LAST BEAT", "STATE"}}
		for _, r := range list {
			rows = append(rows, []string{r.ID, r.Address, r.Version, loadedBy(r), r.StartedAt.Format(time.DateTime),
				r.BeatAt.Format(time.DateTime), stateOf(r)})
		}
		p.table(rows)
	})
}

// loadedBy returns the number of the deployment that a replica has loaded.
func loadedBy(r scripts.Replica) string {
	if r.Deployment == nil {
		return "none"
	}
	return strconv.FormatInt(*r.Deployment, 10)
}

// stateOf describes whether a replica can register clients.
func stateOf(r scripts.Replica) string {
	if !r.Live {
		return "silent"
	}
	return cmp.Or(r.Problem, "ready")
}
