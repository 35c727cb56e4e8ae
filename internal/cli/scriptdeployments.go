package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"registrar/scripts"
	"registrar/server/adminapi"
)

// scriptDeploymentsCommand lists deployments.
type scriptDeploymentsCommand struct{ remoteFlags }

// Run lists the latest deployments.
func (c *scriptDeploymentsCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	deployments, err := api.Deployments(ctx)
	if err != nil {
		return err
	}
	return c.write(to.out, adminapi.Deployments{Deployments: deployments},
		func(p *textWriter) { p.table(deploymentRows(deployments)) })
}

// deploymentRows returns a table of deployments, newest first, with a row for each script.
func deploymentRows(deployments []scripts.Deployment) [][]string {
	rows := [][]string{{"NUMBER", "IN FORCE", "DEPLOYED", "SCRIPT", "MODE", "SHARE", "MODULE", "CONFIG", "COMMENT"}}
	for i, d := range deployments {
		comment := d.Comment
		if d.CopyOf != 0 {
			comment = strings.TrimSpace(fmt.Sprintf("copy of %d %s", d.CopyOf, comment))
		}
		number, at := strconv.FormatInt(d.Number, 10), d.CreatedAt.Format(time.DateTime)
		inForce := inForce(deployments, i)
		if len(d.Scripts) == 0 {
			rows = append(rows, []string{number, inForce, at, "no scripts", "", "", "", "", comment})
		}
		for _, s := range d.Scripts {
			mode := cmp.Or(s.Mode, scripts.ModeEnforce)
			if s.IsCanary() {
				mode = scripts.ModeCanary
			}
			rows = append(rows, []string{number, inForce, at, s.Name, string(mode), s.Canary, shortDigest(s.Module),
				configDigest(s.Config), comment})
			number, inForce, at, comment = "", "", "", "" // once for each deployment
		}
	}
	return rows
}

// inForce returns for which callers the deployment at i is in force, "" for none: the newest, and beside its canaries
// the latest without any.
func inForce(deployments []scripts.Deployment, i int) string {
	share := canaryShare(deployments[0])
	switch {
	case i == 0 && share == "":
		return "yes"
	case i == 0:
		return "for " + share
	case share != "" && i == slices.IndexFunc(deployments, withoutCanary):
		return "for the others"
	}
	return ""
}

func withoutCanary(d scripts.Deployment) bool { return canaryShare(d) == "" }

// canaryShare returns the share of callers that a deployment is in force for, "" if it has no canary.
func canaryShare(d scripts.Deployment) string {
	for _, s := range d.Scripts {
		if s.IsCanary() {
			return s.Canary
		}
	}
	return ""
}

// shortDigest returns the first 12 hex digits of a digest, as of a module or a document; "" if there is none.
func shortDigest(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(12, len(hex))]
}

// configDigest returns the first 12 hex digits of the SHA-256 digest of a configuration, in the canonical form of
// RFC 8785, "none" if it has no members. Equal configurations have equal digests.
func configDigest(config jsontext.Value) string {
	if !hasMembers(config) {
		return "none"
	}
	canonical := config.Clone()
	if canonical.Canonicalize() != nil {
		canonical = config
	}
	return shortDigest(scripts.Digest(canonical))
}
