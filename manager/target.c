/* A target: a name for other units. It is up as soon as its job runs; ordering makes that "after what it
 * pulls in". */
#include <errno.h>

#include "manager/private.h"

static const struct {
	const char *name;
	enum unit_active_state active_state;
} target_states[TARGET_STATE_MAX_] = {
	[TARGET_DEAD] = {"dead", UNIT_INACTIVE},
	[TARGET_ACTIVE] = {"active", UNIT_ACTIVE},
};

static const char *target_sub_state(uint8_t state)
{
	return target_states[state].name;
}

static enum unit_active_state target_active_state(uint8_t state)
{
	return target_states[state].active_state;
}

static bool target_can_reload(_unused_ const struct unit *unit)
{
	return false;
}

static int target_start(struct unit *unit)
{
	unit_set_state(unit, TARGET_ACTIVE);
	return 0;
}

static int target_stop(struct unit *unit)
{
	unit_set_state(unit, TARGET_DEAD);
	return 0;
}

static int target_reload(_unused_ struct unit *unit)
{
	return -EALREADY;
}

static void target_on_deadline(_unused_ struct unit *unit, _unused_ enum unit_deadline deadline)
{
}

static void target_reset_failed(_unused_ struct unit *unit)
{
}

const struct unit_class target_class = {
	.sub_state = target_sub_state,
	.active_state = target_active_state,
	.can_reload = target_can_reload,
	.start = target_start,
	.stop = target_stop,
	.reload = target_reload,
	.on_deadline = target_on_deadline,
	.reset_failed = target_reset_failed,
};
