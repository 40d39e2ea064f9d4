/* Which device nodes may be opened and made: DevicePolicy= and DeviceAllow= of systemd.resource-control(5). */
#pragma once

#include "engine/filter.h"

enum { FILTER_DEVICE_ANY = -1 };

/* Access (BPF_DEVCG_ACC_*) to one device or many. Rules add up. */
struct filter_device_rule {
	uint16_t type;	      /* BPF_DEVCG_DEV_CHAR or _BLOCK */
	uint16_t access;      /* bits */
	int64_t major, minor; /* or FILTER_DEVICE_ANY */
};

struct filter_device_rules {
	struct filter_device_rule *items;
	size_t n;
};

/* The policy that is in force: PrivateDevices= and its like ask for more than DevicePolicy= may say. */
enum spec_device_policy filter_device_policy(const struct spec *spec);
/* Does the spec ask for a filter of devices at all? */
bool filter_device_wanted(const struct spec *spec);
/* All rules of the spec; DEVICES is the text of /proc/devices. Devices that are not there have no rule. */
int filter_device_rules(const struct spec *spec, const char *devices, struct filter_device_rules *ret);
int filter_device_assemble(const struct filter_device_rules *rules, struct bpf_code *code);
