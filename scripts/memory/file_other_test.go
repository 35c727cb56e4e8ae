//go:build !linux

package memory

const idlePeriod = 16

func (i *Image) withoutPagemap() {}

func (i *Image) withOldKernel() {}
