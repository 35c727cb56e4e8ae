package growth

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"registrar/bench/load"
	"registrar/bench/process"
	"registrar/internal/wasmtest"
	"registrar/scripts"
	"registrar/server/adminapi"
)

// replicas measures several processes of registrar that share a database and the load.
func (b *bench) replicas(ctx context.Context) (Axis, error) {
	var subjects []subject
	for _, n := range b.Replicas {
		dsn, err := b.mariadb.Fresh(ctx)
		if err != nil {
			return Axis{}, err
		}
		s := subject{label: strconv.Itoa(n)}
		for range n {
			p, err := b.start(ctx, dsn)
			if err != nil {
				return Axis{}, err
			}
			s.processes = append(s.processes, p)
		}
		subjects = append(subjects, s)
	}
	points, err := b.alternate(ctx, "replicas", subjects)
	if err != nil {
		return Axis{}, err
	}
	return Axis{Name: "replicas", Title: "Replicas", X: "processes of registrar on one MariaDB", Base: "the first",
		Series: []Series{{Points: points}}}, stop(subjects)
}

// metadata measures requests of increasing length.
func (b *bench) metadata(ctx context.Context) (Axis, error) {
	dsn, err := b.mariadb.Fresh(ctx)
	if err != nil {
		return Axis{}, err
	}
	p, err := b.start(ctx, dsn)
	if err != nil {
		return Axis{}, err
	}
	var subjects []subject
	for _, size := range b.Metadata {
		subjects = append(subjects, subject{label: fmt.Sprintf("%.2g KiB", float64(size)/1024),
			processes: []*process.Process{p}, body: sized(size)})
	}
	points, err := b.alternate(ctx, "metadata", subjects)
	if err != nil {
		return Axis{}, err
	}
	return Axis{Name: "metadata", Title: "Length of the metadata", X: "length of a request's body",
		Base:   "the shortest",
		Series: []Series{{Points: points}}}, stop(subjects[:1])
}

// sized returns a function that returns bodies of size bytes, at least 300, with as many redirect URIs as needed.
func sized(size int) func(i int) []byte {
	const begin, end = `{"client_name":"Example Application %010d",` +
		`"redirect_uris":["https://app.example.com/oauth/callback"`,
		`],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"client_secret_basic",` +
			`"scope":"openid profile"}`
	var uris bytes.Buffer
	for left := size - len(fmt.Sprintf(begin, 0)) - len(end); left > 0; {
		const frame = `,"https://app.example.com/"`
		length := min(left, 100)
		if left-length < 2*len(frame) { // too little for another one
			length = left
		}
		path := fmt.Sprintf("callback/%d/", uris.Len())
		fmt.Fprintf(&uris, `,"https://app.example.com/%s%s"`, path,
			bytes.Repeat([]byte("x"), max(0, length-len(frame)-len(path))))
		left -= length
	}
	return func(i int) []byte { return fmt.Appendf(nil, begin+"%s"+end, i, uris.Bytes()) }
}

// scripts measures deployments of an increasing number of scripts, of two kinds. Each script calls its base, so that
// registrations run through all of them.
func (b *bench) scripts(ctx context.Context) (Axis, error) {
	axis := Axis{Name: "scripts", Title: "Scripts in a deployment", X: "scripts", Base: "no script"}
	for _, kind := range []struct{ name, module string }{
		{"one step each, which they patch", "patch-metadata"},
		{"14 steps each", "accept-all"},
		{"14 steps each, in which they read and patch", "patch-all"},
	} {
		wasm, err := wasmtest.Module(kind.module)
		if err != nil {
			return Axis{}, err
		}
		var subjects []subject
		for _, n := range append([]int{0}, b.Scripts...) {
			p, err := b.deployed(ctx, wasm, n)
			if err != nil {
				return Axis{}, err
			}
			subjects = append(subjects, subject{label: strconv.Itoa(n), processes: []*process.Process{p}})
		}
		points, err := b.alternate(ctx, "scripts, "+kind.name, subjects)
		if err != nil {
			return Axis{}, err
		}
		axis.Series = append(axis.Series, Series{Name: kind.name, Points: points})
		if err := stop(subjects); err != nil {
			return Axis{}, err
		}
	}
	return axis, nil
}

// deployed starts registrar, deploys a module n times, and returns once registrations run through the deployment.
func (b *bench) deployed(ctx context.Context, wasm []byte, n int) (*process.Process, error) {
	dsn, err := b.mariadb.Fresh(ctx)
	if err != nil {
		return nil, err
	}
	p, err := b.start(ctx, dsn)
	if err != nil || n == 0 {
		return p, err
	}
	api := &adminapi.API{Base: p.AdminURL, Token: p.Token}
	module, err := api.Upload(ctx, "growth", wasm, "")
	if err != nil {
		return nil, err
	}
	var list []scripts.Script
	for i := range n {
		list = append(list, scripts.Script{Name: fmt.Sprint("script-", i), Module: module.Digest})
	}
	deployment, err := api.Deploy(ctx, adminapi.NewDeployment{Scripts: list})
	if err != nil {
		return nil, err
	}
	return p, awaitDeployment(ctx, p, api, deployment.Number)
}

// awaitDeployment registers clients until one is registered through the deployment.
func awaitDeployment(ctx context.Context, p *process.Process, api *adminapi.API, number int64) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		id, err := register(ctx, p)
		if err != nil {
			return err
		}
		client, err := api.Client(ctx, id)
		if err != nil || client.Deployment == number {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("registrations run through deployment %d, not %d", client.Deployment, number)
		}
	}
}

func register(ctx context.Context, p *process.Process) (id string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/register", bytes.NewReader(load.Body(0)))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var client struct {
		ID string `json:"client_id"`
	}
	if response.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("registering a client: %s", response.Status)
	}
	err = json.UnmarshalRead(response.Body, &client)
	return client.ID, err
}
