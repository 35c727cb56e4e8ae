package tracing

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"registrar/engine"
	"registrar/scripts"
)

// stepKey is the context key of the step that runs, a *step.
type stepKey struct{}

// A step is a step of a registration whose span is open.
type step struct {
	span     trace.Span
	scripted bool // a script was called for it
}

// Overrides returns overrides with a span for each step of inner, and one for a built-in step that runs instead of a
// script or inside one.
func (t *Tracer) Overrides(inner engine.Overrides) engine.Overrides {
	return func(r *engine.Registration, base engine.Steps) (engine.Steps, func()) {
		table := engine.StepTable()
		for _, s := range table {
			field := s.Field(&base)
			*field = t.builtin(s.Name, *field)
		}
		steps, release := inner(r, base)
		for _, s := range table {
			field := s.Field(&steps)
			*field = t.step(s.Name, *field)
		}
		return steps, release
	}
}

// step returns f with a span.
func (t *Tracer) step(name string, f engine.StepFunc) engine.StepFunc {
	return func(ctx context.Context, r *engine.Registration) error {
		if !trace.SpanFromContext(ctx).IsRecording() {
			return f(ctx, r)
		}
		ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(attribute.String("registrar.step", name)))
		defer span.End()
		running := &step{span: span}
		err := f(context.WithValue(ctx, stepKey{}, running), r)
		by := "built-in"
		if running.scripted {
			by = "script"
		}
		span.SetAttributes(attribute.String("registrar.step.by", by))
		note(span, err)
		return err
	}
}

// builtin returns a built-in step with a span if a script was called for the step.
func (t *Tracer) builtin(name string, f engine.StepFunc) engine.StepFunc {
	return func(ctx context.Context, r *engine.Registration) error {
		if running, _ := ctx.Value(stepKey{}).(*step); running == nil || !running.scripted {
			return f(ctx, r)
		}
		ctx, span := t.tracer.Start(ctx, "built-in "+name,
			trace.WithAttributes(attribute.String("registrar.step", name)))
		defer span.End()
		err := f(ctx, r)
		note(span, err)
		return err
	}
}

// shortDigest is the length of the part of a digest that an attribute holds: sha256: and 12 digits.
const shortDigest = len("sha256:") + 12

// Script begins the span of a call of a script. It implements the Trace of package host. The caller must call end.
func (t *Tracer) Script(ctx context.Context, script, module, name string) (context.Context, func(scripts.StepEnd)) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, func(scripts.StepEnd) {}
	}
	if running, _ := ctx.Value(stepKey{}).(*step); running != nil {
		running.scripted = true
	}
	ctx, span := t.tracer.Start(ctx, "script "+script, trace.WithAttributes(
		attribute.String("registrar.script", script), attribute.String("registrar.step", name),
		attribute.String("registrar.module", module[:min(shortDigest, len(module))])))
	return ctx, func(end scripts.StepEnd) {
		span.SetAttributes(attribute.String("registrar.outcome", string(end.Outcome)),
			attribute.Int64("registrar.script.fuel", end.Fuel))
		if end.Step != name { // _initialize failed before the step
			span.SetAttributes(attribute.String("registrar.step", end.Step))
		}
		if end.Outcome == scripts.OutcomeFailed {
			span.SetAttributes(attribute.String("registrar.script.failure", string(end.Failure)))
			fail(span)
		}
		span.End()
	}
}

// note adds the outcome of a step to its span. A refusal is no error of the server.
func note(span trace.Span, err error) {
	outcome := scripts.OutcomeDone
	if refusal, refused := errors.AsType[*engine.Error](err); refused {
		outcome = scripts.OutcomeRefused
		span.SetAttributes(attribute.String("registrar.refusal.code", string(refusal.Code)))
	} else if err != nil {
		outcome = scripts.OutcomeFailed
		fail(span)
	}
	span.SetAttributes(attribute.String("registrar.outcome", string(outcome)))
}

// fail gives a span the status Error. The log has the cause.
func fail(span trace.Span) { span.SetStatus(codes.Error, "") }
