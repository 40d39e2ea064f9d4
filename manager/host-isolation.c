/* What isolation is in force: read off the launch program of the main process, not off the unit file, so that
 * it tells what a launch really does. */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "manager/host-private.h"

static int host_isolation_add(char ***list, const char *what, const char *how)
{
	return text_list_take(list, text_format("%s=%s", what, how));
}

/* Others than the one that is entered are there for the id maps of mounts. */
static bool host_isolation_joins_user(const struct program *program, uint8_t slot)
{
	for (uint32_t i = 0; i < program->block->n_ops; i++) {
		const struct program_op *op = &program_ops(program->block)[i];

		if (op->code == PROGRAM_USER_NAMESPACE && op->slot2 == slot)
			return op->fd != PROGRAM_NO_FD;
	}
	return false;
}

/* Is what is joined the service's own, though not made by this launch? */
static bool host_isolation_shares(const struct program *program, const struct program_op *op)
{
	return op->fd >= 3 && op->fd - 3u < program->n_descriptors &&
	       program->descriptors[op->fd - 3].kind == PROGRAM_DESCRIPTOR_SHARED;
}

/* From the compiled main program, not from the unit file: what the launch really does. */
static int host_isolation_namespaces(char ***list, const struct program *program)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} namespaces[] = {{"mount", CLONE_NEWNS},      {"pid", CLONE_NEWPID},  {"network", CLONE_NEWNET},
			  {"ipc", CLONE_NEWIPC},       {"uts", CLONE_NEWUTS},  {"user", CLONE_NEWUSER},
			  {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};
	uint64_t made = program->block->clone_flags, joined = 0;
	int r = 0;

	for (uint32_t i = 0; i < program->block->n_ops; i++) {
		const struct program_op *op = &program_ops(program->block)[i];

		if (op->code == PROGRAM_UNSHARE || op->code == PROGRAM_ENTER_USER ||
		    op->code == PROGRAM_USER_NAMESPACE)
			made |= op->flags;
		if (op->code == PROGRAM_ENTER_USER)
			*(host_isolation_joins_user(program, op->slot) ? &joined : &made) |= CLONE_NEWUSER;
		if (op->code == PROGRAM_TIME_NAMESPACE)
			made |= CLONE_NEWTIME;
		if (op->code == PROGRAM_JOIN && host_isolation_shares(program, op))
			made |= op->flags;
		else if (op->code == PROGRAM_JOIN)
			joined |= op->flags;
	}
	for (size_t i = 0; i < ARRAY_SIZE(namespaces) && r == 0; i++)
		r = host_isolation_add(list, namespaces[i].name,
				       made & namespaces[i].flag     ? "private"
				       : joined & namespaces[i].flag ? "joined"
								     : "host");
	return r;
}

/* What the operations other than namespaces add up to. */
struct host_isolation {
	const char *root, *filter, *label;
	uint64_t uid, capabilities;
	bool no_new_privileges, landlock;
};

static struct host_isolation host_isolation_read(const struct program *program)
{
	struct host_isolation found = {
		.root = "host", .filter = "no", .label = "no", .capabilities = SPEC_CAP_ALL};

	for (uint32_t i = 0; i < program->block->n_ops; i++) {
		const struct program_op *op = &program_ops(program->block)[i];
		const char *text = program_text(program->block, op->text);

		/* Other trees are volumes, or kept from a mount. */
		if (op->code == PROGRAM_OVERLAY && op->slot2 == 0)
			found.root = op->flags & PROGRAM_OVERLAY_EPHEMERAL    ? "overlay (ephemeral)"
				     : op->flags & PROGRAM_OVERLAY_PERSISTENT ? "overlay (persistent)"
									      : "overlay (read-only)";
		else if (op->code == PROGRAM_FILESYSTEM && op->slot2 == 0)
			found.root = strcmp(text, "tmpfs") == 0 ? "empty" : "image";
		else if (op->code == PROGRAM_TREE && op->slot2 == 0)
			found.root = !*text ? "host (own mounts)" : text;
		else if (op->code == PROGRAM_BOUNDING_SET)
			found.capabilities = op->number;
		else if (op->code == PROGRAM_SECCOMP)
			found.filter = "yes";
		else if (op->code == PROGRAM_NO_NEW_PRIVILEGES)
			found.no_new_privileges = true;
		else if (op->code == PROGRAM_LANDLOCK_ENFORCE)
			found.landlock = true;
		else if (op->code == PROGRAM_APPARMOR || op->code == PROGRAM_SELINUX ||
			 op->code == PROGRAM_SMACK)
			found.label = program_text(program->block, op->text2);
		else if (op->code == PROGRAM_USER)
			found.uid = op->number;
	}
	return found;
}

int host_isolation(struct host *host, const struct unit *unit, char ***ret)
{
	_cleanup_text_list_ char **list = NULL;
	struct host_program *program = host_launch_main_program(host, unit);
	struct host_isolation found;
	int r;

	if (!program) {
		*ret = NULL;
		return 0;
	}
	found = host_isolation_read(program->program);
	r = host_isolation_namespaces(&list, program->program);
	if (r == 0)
		r = host_isolation_add(&list, "root", found.root);
	if (r == 0)
		r = text_list_take(&list, text_format("uid=%" PRIu64, found.uid));
	if (r == 0)
		r = found.capabilities == SPEC_CAP_ALL
			    ? host_isolation_add(&list, "capabilities", "all")
			    : text_list_take(&list, text_format("capabilities=%d",
								__builtin_popcountll(found.capabilities)));
	if (r == 0)
		r = host_isolation_add(&list, "seccomp", found.filter);
	if (r == 0)
		r = host_isolation_add(&list, "landlock", found.landlock ? "yes" : "no");
	if (r == 0)
		r = host_isolation_add(&list, "label", found.label);
	if (r == 0)
		r = host_isolation_add(&list, "no-new-privileges", found.no_new_privileges ? "yes" : "no");
	if (r == 0)
		r = host_isolation_add(
			&list, "limits",
			cgroup_needed(&(struct cgroup_wish){.limits = spec_limits(&unit->config->spec),
							    .memory_min = SPEC_UNSET,
							    .memory_low = SPEC_UNSET})
				? "yes"
				: "no");
	host_program_unref(program);
	if (r == 0)
		*ret = TAKE(list);
	return r;
}

int host_security(struct host *host, struct unit *unit, struct exposure *ret, struct failure *failure)
{
	const struct unit_config *config = unit->config;
	struct host_program *program;
	struct host_steps steps = {};
	int r;

	if (config->load_state != UNIT_LOADED)
		return failure_set(failure, config->load_failure ? config->load_failure->error : -ENOENT,
				   unit->name, "%s",
				   config->load_failure ? config->load_failure->text : "is not loaded");
	if (config->commands[SERVICE_EXEC_START].n == 0)
		return failure_set(failure, -ENODATA, unit->name, "runs no command of its own");
	program = host_launch_main_program(host, unit);
	if (!program) {
		r = host_explain(host, unit, &steps, failure);
		host_steps_free(&steps);
		return r < 0 ? r : failure_set(failure, -ENOMEM, unit->name, "cannot compile");
	}
	exposure_assess(&(struct exposure_launch){.program = program->program,
						  .spec = &config->spec,
						  .cgroup = host->cgroups.root_fd >= 0,
						  .notify_all = config->notify_access == SERVICE_NOTIFY_ALL,
						  .removes_ipc = host_ipc_wanted(config)},
			ret);
	host_program_unref(program);
	return 0;
}

int host_unenforceable(struct host *host, const struct unit *unit, char ***ret)
{
	const struct unit_config *config = unit->config;
	const struct cgroup_wish wish = {.limits = spec_limits(&config->spec),
					 .startup = host_limits_startup(host),
					 .memory_min = SPEC_UNSET,
					 .memory_low = SPEC_UNSET,
					 .delegate_to = (uid_t)-1};
	unsigned missing =
		cgroup_needed(&wish) & ~(host->cgroups.root_fd < 0 ? 0 : host->cgroups.controllers);
	_cleanup_text_list_ char **list = NULL;
	int r = 0;

	for (unsigned i = 0; cgroup_controller_names[i] && r == 0; i++)
		if (missing & 1u << i)
			r = text_list_take(
				&list, text_format("limits of %s: this machine has no such controller for us",
						   cgroup_controller_names[i]));
	if (r == 0 && host->cgroups.root_fd < 0 && filter_first_rule(&config->spec) != PROGRAM_NO_ORIGIN)
		r = text_list_append(&list,
				     "filters of devices, addresses, …: there is no writable control group");
	if (r == 0)
		*ret = TAKE(list);
	return r;
}
