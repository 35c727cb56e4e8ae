package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"registrar/internal/duration"
	"registrar/internal/secretfile"
	"registrar/server/adminapi"
)

// reasonFlags say why a client is changed.
type reasonFlags struct {
	Reason string `placeholder:"TEXT" help:"${reason}"`
}

// clientWriteFlags say how metadata is written.
type clientWriteFlags struct {
	reasonFlags
	NoScripts bool `help:"Run the steps without scripts. Needs the role admin."`
}

func (f *clientWriteFlags) write() adminapi.ClientWrite {
	return adminapi.ClientWrite{Reason: f.Reason, NoScripts: f.NoScripts}
}

// clientSecretFlags name the file of a secret that the operator chose.
type clientSecretFlags struct {
	ClientSecretFile string `placeholder:"FILE" help:"${client_secret_file}"`
}

// secret returns the secret in the file; "" without one.
func (f *clientSecretFlags) secret(to *console) (string, error) {
	switch f.ClientSecretFile {
	case "":
		return "", nil
	case "-":
		b, err := io.ReadAll(io.LimitReader(to.in, 4<<10))
		if err != nil {
			return "", fmt.Errorf("reading the client secret: %w", err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	secret, err := secretfile.Read(f.ClientSecretFile)
	if err != nil {
		return "", fmt.Errorf("--client-secret-file: %w", err)
	}
	return secret, nil
}

// maxMetadataFile bounds a file of metadata, in bytes. The server's bound is lower.
const maxMetadataFile = 1 << 20

// readMetadata reads a file with a JSON object; - is standard input.
func readMetadata(path string, to *console) (members map[string]jsontext.Value, err error) {
	b, err := readMetadataFile(path, to)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &members); err != nil || members == nil {
		return nil, fmt.Errorf("%s: must be a JSON object of client metadata", inputName(path))
	}
	return members, nil
}

// inputName returns the name of a file for messages.
func inputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// readMetadataFile returns the bytes of a file with metadata; - is standard input.
func readMetadataFile(path string, to *console) ([]byte, error) {
	from, name := to.in, inputName(path)
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	b, err := io.ReadAll(io.LimitReader(from, maxMetadataFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(b) > maxMetadataFile {
		return nil, fmt.Errorf("%s: metadata has at most %d bytes", name, maxMetadataFile)
	}
	return b, nil
}

// setMember sets a member that metadata must not have.
func setMember(members map[string]jsontext.Value, name, value, flag string) error {
	if value == "" {
		return nil
	}
	if _, there := members[name]; there {
		return usageError{fmt.Errorf("%s: the metadata has a %s already", flag, name)}
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		return usageError{fmt.Errorf("%s: must be UTF-8", flag)}
	}
	members[name] = quoted
	return nil
}

// clientCreateCommand registers a client.
type clientCreateCommand struct {
	remoteFlags
	clientWriteFlags
	clientSecretFlags
	File     string `arg:"" help:"${client_create_file}"`
	ClientID string `placeholder:"ID" help:"${client_create_client_id}"`
}

// Run registers a client and prints the response.
func (c *clientCreateCommand) Run(ctx context.Context, to *console) error {
	if c.File == "-" && c.ClientSecretFile == "-" {
		return usageError{errors.New("the metadata and the secret cannot both be read from standard input")}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	members, err := readMetadata(c.File, to)
	if err != nil {
		return err
	}
	secret, err := c.secret(to)
	if err != nil {
		return err
	}
	err = errors.Join(setMember(members, "client_id", c.ClientID, "--client-id"),
		setMember(members, "client_secret", secret, "--client-secret-file"))
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("writing the metadata: %w", err)
	}
	client, err := api.CreateClient(ctx, metadata, c.clientWriteFlags.write())
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	return c.show(to, client)
}

// show prints a client information response.
func (f *outputFlags) show(to *console, client jsontext.Value) error {
	return f.write(to.out, client, func(p *textWriter) {
		p.json(client)
		var shown struct {
			Secret string `json:"client_secret"`
			Token  string `json:"registration_access_token"`
		}
		if json.Unmarshal(client, &shown) == nil && shown.Secret+shown.Token != "" {
			p.line("Save client_secret and registration_access_token now: they are not shown again.")
		}
	})
}

// clientUpdateCommand changes the metadata of a client.
type clientUpdateCommand struct {
	remoteFlags
	clientWriteFlags
	ID      string `arg:"" help:"Client ID."`
	File    string `arg:"" help:"${client_update_file}"`
	Replace bool   `help:"Replace all metadata: members that the file leaves out return to their defaults."`
}

// Run updates a client and prints the response.
func (c *clientUpdateCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	members, err := readMetadata(c.File, to)
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(members, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("writing the metadata: %w", err)
	}
	update := api.PatchClient
	if c.Replace {
		update = api.ReplaceClient
	}
	client, err := update(ctx, c.ID, metadata, c.clientWriteFlags.write())
	if err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	return c.show(to, client)
}

// clientRotateSecretCommand gives a client a new secret.
type clientRotateSecretCommand struct {
	remoteFlags
	reasonFlags
	clientSecretFlags
	ID    string            `arg:"" help:"Client ID."`
	Grace duration.Duration `default:"1d" placeholder:"DURATION" help:"${client_rotate_secret_grace}"`
}

// Run rotates a secret and prints the new one.
func (c *clientRotateSecretCommand) Run(ctx context.Context, to *console) error {
	if time.Duration(c.Grace)%time.Second != 0 {
		return usageError{fmt.Errorf("--grace %s: must be whole seconds", c.Grace)}
	}
	api, err := c.api()
	if err != nil {
		return err
	}
	secret, err := c.secret(to)
	if err != nil {
		return err
	}
	rotated, err := api.RotateSecret(ctx, c.ID, adminapi.RotateSecret{ClientSecret: secret, Reason: c.Reason,
		Grace: new(int64(time.Duration(c.Grace) / time.Second))})
	if err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	return c.outputFlags.write(to.out, rotated, func(p *textWriter) {
		old := "invalid"
		if rotated.FormerSecretExpiresAt != nil {
			old = "valid until " + time.Unix(*rotated.FormerSecretExpiresAt, 0).UTC().Format(time.DateTime)
		}
		p.table([][]string{{"client secret", rotated.ClientSecret}, {"old secret", old}})
		p.line("Save the secret now: it is not shown again.")
	})
}

// clientVerifySecretCommand checks a secret.
type clientVerifySecretCommand struct {
	remoteFlags
	ID               string `arg:"" help:"Client ID."`
	ClientSecretFile string `default:"-" placeholder:"FILE" help:"${client_verify_secret_client_secret_file}"`
}

// Run prints whether a secret authenticates a client. The exit code is 1 if it does not.
func (c *clientVerifySecretCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	secret, err := (&clientSecretFlags{c.ClientSecretFile}).secret(to)
	if err != nil {
		return err
	}
	valid, err := api.VerifySecret(ctx, c.ID, secret)
	if err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	err = c.write(to.out, adminapi.VerifiedSecret{Valid: valid}, func(p *textWriter) {
		p.line("%s", map[bool]string{true: "valid", false: "not valid"}[valid])
	})
	if err == nil && !valid {
		err = exited(exitFailed)
	}
	return err
}

// clientReissueTokenCommand gives a client a new registration access token.
type clientReissueTokenCommand struct {
	remoteFlags
	reasonFlags
	ID string `arg:"" help:"Client ID."`
}

// Run reissues a token and prints it.
func (c *clientReissueTokenCommand) Run(ctx context.Context, to *console) error {
	api, err := c.api()
	if err != nil {
		return err
	}
	token, err := api.ReissueToken(ctx, c.ID, c.Reason)
	if err != nil {
		return fmt.Errorf("client %s: %w", c.ID, err)
	}
	return c.write(to.out, token, func(p *textWriter) {
		p.table([][]string{{"registration access token", token.AccessToken}, {"for", token.ClientURI}})
		p.line("Save the token now: it is not shown again. The old one is invalid.")
	})
}
