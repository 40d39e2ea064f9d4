/* The order of a launch. What each step is and when the rooms say; here is only when.
 *
 *	process		session, standard streams, scheduling: while we are still the host's
 *	isolation	namespaces: joins, then the user namespace with what it shall own
 *	filesystem	the root, what is mounted in it, the host's tree detached: still with the host's
 *privilege
 *	limits		rlimits and umask: late, for they would bind our own steps; before the privilege to
 *raise them is gone inside		the user namespace is entered; the container's init stays behind
 *	identity	groups, bounding set, user; then the working directory, as that user
 *	control		capabilities, no-new-privileges, the filter
 *	exec
 *
 * A plain service has none of the middle and needs no privilege. */
#include <sched.h>
#include <string.h>

#include "base/terminal.h"
#include "engine/attributes.h"
#include "engine/build.h"
#include "engine/control.h"
#include "engine/credential.h"
#include "engine/directory.h"
#include "engine/environment.h"
#include "engine/filesystem.h"
#include "engine/identity.h"
#include "engine/idmap.h"
#include "engine/isolation.h"
#include "engine/label.h"
#include "engine/landlock.h"
#include "engine/view.h"

/* --- process ----------------------------------------------------------------------------------------- */

unsigned compile_terminal_streams(const struct spec *spec, bool no_terminal)
{
	const struct spec_stream *output = &spec->standard_output, *error = &spec->standard_error;
	unsigned streams = 1u << 0;

	if (no_terminal || !spec_stream_is_terminal(&spec->standard_input))
		return 0;
	if (output->kind == SPEC_STDIO_TTY || output->kind == SPEC_STDIO_INHERIT)
		streams |= 1u << 1;
	if (error->kind == SPEC_STDIO_TTY || (error->kind == SPEC_STDIO_INHERIT && streams & 1u << 1))
		streams |= 1u << 2;
	return streams;
}

static void compile_terminal(struct build *build)
{
	const struct spec *spec = build->spec;
	unsigned streams = compile_terminal_streams(spec, build->command->no_terminal);
	uint32_t text, flags = (spec->tty_reset ? TERMINAL_RESET : 0) |
			       (spec->tty_vhangup ? TERMINAL_HANGUP : 0) |
			       (spec->tty_disallocate ? TERMINAL_CLEAR : 0);
	struct program_op *op;

	/* What joins leaves the terminal to the service. */
	if (streams == 0 && (flags == 0 || build->context->join_pidfd >= 0))
		return;
	if (streams)
		BUILD_ORIGIN(build, standard_input);
	else
		BUILD_ORIGIN(build, tty_path);
	text = build_text(build, spec->tty_path ?: COMPILE_TTY_PATH);
	op = build_op(build, PROGRAM_TERMINAL);
	op->text = text;
	op->flags = flags | (streams & 1u << 0 ? PROGRAM_TERMINAL_INPUT : 0) |
		    (streams & 1u << 1 ? PROGRAM_TERMINAL_OUTPUT : 0) |
		    (streams & 1u << 2 ? PROGRAM_TERMINAL_ERROR : 0) |
		    (spec->standard_input.kind == SPEC_STDIO_TTY_FORCE ? PROGRAM_TERMINAL_FORCE : 0) |
		    (spec->standard_input.kind == SPEC_STDIO_TTY_FAIL ? PROGRAM_TERMINAL_FAIL : 0);
	op->number = spec->tty_rows;
	op->number2 = spec->tty_columns;
}

static void compile_process(struct build *build)
{
	const struct spec *spec = build->spec;
	_cleanup_free_ char *score = NULL;
	uint32_t text;

	BUILD_ORIGIN(build, ignore_sigpipe);
	build_op(build, PROGRAM_SESSION)->flags = spec->ignore_sigpipe ? PROGRAM_IGNORE_SIGPIPE : 0;
	build_no_origin(build);
	build_op(build, PROGRAM_STDIO);
	compile_terminal(build);
	if (spec->nice_set) {
		BUILD_ORIGIN(build, nice);
		build_op(build, PROGRAM_NICE)->number = (uint64_t)(int64_t)spec->nice;
	}
	if (spec->oom_score_adjust_set) {
		BUILD_ORIGIN(build, oom_score_adjust);
		score = text_format("%d", spec->oom_score_adjust);
		if (!score)
			build->failed = true;
		text = build_text(build, score);
		build_op(build, PROGRAM_OOM_SCORE)->text = text;
	}
	if (spec->timer_slack_set) {
		BUILD_ORIGIN(build, timer_slack_nsec);
		build_op(build, PROGRAM_TIMER_SLACK)->number = spec->timer_slack_nsec;
	}
}

static void compile_limits(struct build *build)
{
	const struct spec *spec = build->spec;

	for (unsigned i = 0; i < SPEC_N_RLIMITS; i++) {
		struct program_op *op;

		if (!spec->rlimits || !spec->rlimits[i].set)
			continue;
		build_origin(build, SPEC_RLIMIT_ORIGIN(i), 0);
		op = build_op(build, PROGRAM_RLIMIT);
		op->flags = i;
		op->number = spec->rlimits[i].soft;
		op->number2 = spec->rlimits[i].hard;
	}
	BUILD_ORIGIN(build, umask);
	build_op(build, PROGRAM_UMASK)->number = spec->umask;
}

/* RestrictFileSystems= judges the launch program too, which opens what the service need not: not until the payload is all that is
 * left to come. */
static void compile_filter_pass(struct build *build, bool begin)
{
	struct program_op *op;

	if (!spec_filters(build->spec)->file_systems)
		return;
	build_origin(build, SPEC_FILTERS_ORIGIN(file_systems), 0);
	if (begin)
		build->filter_fd = build_descriptor(build, PROGRAM_DESCRIPTOR_FILTER, NULL, false);
	op = build_op(build, PROGRAM_FILTER_PASS);
	op->fd = build->filter_fd;
	op->number = begin;
}

/* The passed sockets are the last descriptors of the launch, behind those that the operations before need. */
static void compile_passed(struct build *build)
{
	build_no_origin(build);
	for (unsigned i = 0; i < build->context->n_passed; i++) {
		uint16_t fd = build_descriptor(build, PROGRAM_DESCRIPTOR_PASSED, NULL, false);
		struct program_op *op;

		if (fd != PROGRAM_NO_FD)
			build->descriptors[fd - 3].index = i;
		op = build_op(build, PROGRAM_PASS_FD);
		op->fd = fd;
		op->number = 3 + i;
	}
}

static int compile_working_directory(struct build *build)
{
	const struct spec *spec = build->spec;
	const char *path = spec->working_directory ?: "/";
	struct program_op *op;
	uint32_t text;

	BUILD_ORIGIN(build, working_directory);
	if (strcmp(path, "~") == 0) {
		path = build->identity->home;
		if (!path || *path != '/')
			return build_fail(build, -ENOENT, "the user has no home directory");
	}
	text = build_text(build, path);
	op = build_op(build, PROGRAM_WORKING_DIRECTORY);
	op->text = text;
	op->flags = spec->working_directory_optional ? PROGRAM_OPTIONAL : 0;
	return 0;
}

/* --- exec -------------------------------------------------------------------------------------------- */

/* All that PATH could mean, joined by ':'. */
static int compile_list_candidates(struct build *build, const char *name, const char *path, char **ret,
				   bool *ret_search)
{
	struct text_buffer buffer = {};

	while (*path) {
		size_t length = strcspn(path, ":");

		if (*path == '/')
			text_buffer_append(&buffer, "%s%.*s/%s", buffer.length ? ":" : "", (int)length, path,
					   name);
		path += length + (path[length] == ':');
	}
	*ret = text_buffer_finish(&buffer);
	*ret_search = true;
	return *ret ? 0 : build_fail(build, -ENOMEM, "the command could not be looked up");
}

/* The user's, unless it is there to turn him away, or /bin/sh. */
static int compile_shell(struct build *build, char **ret, bool *ret_search)
{
	static const char plain[] = "/bin/sh";
	const char *shell = build->identity ? build->identity->shell : NULL;
	bool own = shell && *shell == '/' && !strchr(shell, ':') && strcmp(shell, plain) != 0 &&
		   !text_ends_with(shell, "/nologin") && !text_ends_with(shell, "/false");

	*ret = own ? text_format("%s:%s", shell, plain) : strdup(plain);
	*ret_search = true;
	return *ret ? 0 : build_fail(build, -ENOMEM, "the shell could not be looked up");
}

/* A login shell's name begins with '-'. */
static int compile_shell_words(const char *path, char ***ret)
{
	size_t length = strcspn(path, ":");
	const char *name = memrchr(path, '/', length);

	return text_list_take(ret, text_format("-%.*s", (int)(length - (size_t)(name + 1 - path)), name + 1));
}

/* A command without a slash is looked for in the container's PATH as far as the container can be seen from
 * here. */
static int compile_find_command(struct build *build, char *const *environment, char **ret, bool *ret_search)
{
	static const struct spec host;
	const struct spec *spec = build->command->full_privileges ? &host : build->spec;
	const char *name = build->command->path, *path = environment_get(environment, "PATH") ?: "";
	_cleanup_free_ char *searched =
		build->spec->exec_search_path ? text_list_join(build->spec->exec_search_path, ":") : NULL;

	*ret_search = false;
	if (!name)
		return compile_shell(build, ret, ret_search);
	if (strchr(name, '/')) {
		*ret = strdup(name);
		return *ret ? 0 : build_fail(build, -ENOMEM, "the command could not be looked up");
	}
	path = searched ?: path;
	if (build->context->join_pidfd >= 0 && *path) /* what is there now, not what the image had */
		return compile_list_candidates(build, name, path, ret, ret_search);
	for (const char *directory = path; *directory;) {
		size_t length = strcspn(directory, ":");
		_cleanup_free_ char *candidate = text_format("%.*s/%s", (int)length, directory, name);

		if (!candidate)
			return build_fail(build, -ENOMEM, "the command could not be looked up");
		if (*candidate == '/' && !view_is_opaque(spec) && view_is_executable(spec, candidate)) {
			*ret = TAKE(candidate);
			return 0;
		}
		directory += length;
		directory += *directory == ':';
	}
	build_no_origin(build);
	/* In a disk image it is looked for once that is mounted. */
	if (view_is_opaque(spec) && *path)
		return compile_list_candidates(build, name, path, ret, ret_search);
	return build_fail(build, -ENOENT, "command \"%s\" not found in PATH (%s)", name, path);
}

static int compile_exec(struct build *build, char **environment)
{
	_cleanup_text_list_ char **words = NULL, **all = NULL, **secrets = NULL;
	_cleanup_free_ char *path = NULL;
	uint32_t text, argv, envp;
	struct program_op *op;
	bool search;
	int r = compile_find_command(build, environment, &path, &search);

	if (r < 0)
		return r;
	if (build->command->expand)
		r = environment_expand(build->command->argv, environment, &words);
	else
		r = text_list_copy(build->command->argv, &words);
	if (r == 0 && !words)
		r = build->command->path ? text_list_append(&words, path) : compile_shell_words(path, &words);
	build_no_origin(build);
	if (r < 0)
		return build_fail(build, r, "the command line could not be put together");
	/* Behind all others, so that it is known which not to show; none enters the command line. */
	r = credential_export_secrets(build, &secrets);
	if (r < 0)
		return r;
	build_no_origin(build);
	if (environment_join(environment, secrets, &all) < 0)
		return build_fail(build, -ENOMEM, "the environment could not be assembled");
	text = build_text(build, path);
	argv = build_vector(build, words);
	envp = build_vector(build, all);
	op = build_op(build, PROGRAM_EXEC);
	op->text = text;
	op->text2 = argv;
	op->number = envp;
	op->flags = (search ? PROGRAM_EXEC_SEARCH : 0) |
		    (environment_has_places(environment) ? PROGRAM_EXEC_TELL : 0);
	op->number2 = text_list_length(secrets);
	return 0;
}

/* --- the order --------------------------------------------------------------------------------------- */

static int compile_decide(struct build *build)
{
	int r;

	build->root =
		build->command->full_privileges ? BUILD_ROOT_SHARED : filesystem_decide_root(build->spec);
	if (build->root == BUILD_ROOT_SHARED && !build->command->full_privileges &&
	    credential_needs_mounts(build->spec, build->context))
		build->root = BUILD_ROOT_IN_PLACE;
	r = identity_resolve(build, &build->identity);
	/* Also with full privileges: what is delegated to the service's user belongs to him as the host sees
	 * him. */
	if (r == 0)
		r = idmap_make(build);
	if (build->command->full_privileges)
		return r;
	if (r == 0)
		r = isolation_decide(build);
	/* What runs may have been started by another configuration than there is now. */
	if (build->context->join_exactly)
		build->namespaces = build->context->join_namespaces;
	if (r == 0)
		r = label_check(build);
	return r < 0 ? r : control_check(build);
}

static void compile_new_terminal(struct build *build)
{
	struct program_op *op;
	uint16_t fd;

	if (!build->context->terminal)
		return;
	build_no_origin(build);
	fd = build_descriptor(build, PROGRAM_DESCRIPTOR_TERMINAL, NULL, false);
	op = build_op(build, PROGRAM_PTY);
	op->fd = fd;
	op->number = build->context->terminal_rows;
	op->number2 = build->context->terminal_columns;
}

static int compile_inside(struct build *build)
{
	bool pids = build->namespaces & CLONE_NEWPID;
	bool joins = build->context->join_pidfd >= 0;
	int r;

	if (build->context->join_pidfd >= 0) {
		compile_limits(build);
		label_emit_privileged(build);
		compile_filter_pass(build, false);
		identity_emit_groups(build, true);
		isolation_emit_join(build);
	} else {
		r = directory_emit(build);
		if (r == 0)
			r = credential_emit(build);
		if (r == 0)
			r = isolation_emit(build);
		if (r == 0)
			r = filesystem_emit(build);
		if (r < 0)
			return r;
		compile_limits(build);
		label_emit_privileged(build);
		compile_filter_pass(build, false);
		identity_emit_groups(build, true);
		isolation_emit_enter_user(build);
	}
	compile_passed(build);
	/* The process that joined a PID namespace is not in it: only its children are. */
	BUILD_ORIGIN(build, run_init);
	if (joins &&
	    (pids || (build->spec->namespace_paths[SPEC_NAMESPACE_PID] && !build->context->join_exactly)))
		build_op(build, PROGRAM_FORK);
	else if (pids && build->spec->run_init)
		build_op(build, PROGRAM_FORK)->flags = PROGRAM_FORK_INIT;
	attributes_emit_forked(build);
	r = landlock_emit_rules(build);
	if (r < 0)
		return r;
	identity_emit_groups(build, false);
	control_emit_bounding_set(build);
	identity_emit_user(build);
	compile_new_terminal(build);
	r = compile_working_directory(build);
	return r < 0 ? r : control_emit(build);
}

static int compile_all(struct build *build)
{
	_cleanup_text_list_ char **environment = NULL;
	int r = compile_decide(build);

	if (r == 0)
		r = environment_assemble(build, &environment);
	if (r < 0)
		return r;
	compile_filter_pass(build, true);
	compile_process(build);
	r = attributes_emit(build);
	if (r < 0)
		return r;
	if (build->command->full_privileges) {
		r = directory_emit(build);
		if (r < 0)
			return r;
		compile_limits(build);
		compile_filter_pass(build, false);
		compile_passed(build);
		r = compile_working_directory(build);
	} else {
		r = compile_inside(build);
	}
	return r < 0 ? r : compile_exec(build, environment);
}

int compile(const struct spec *spec, const struct compile_command *command,
	    const struct compile_context *context, struct program **ret, struct failure *failure,
	    uint32_t *ret_origin, uint16_t *ret_item)
{
	struct build build = {
		.spec = spec,
		.command = command,
		.context = context,
		.failure = failure,
		.origin = PROGRAM_NO_ORIGIN,
	};
	int r = compile_all(&build);

	if (r == 0) {
		build_no_origin(&build);
		r = build_finish(&build, ret);
	}
	if (r < 0 && ret_origin)
		*ret_origin = build.origin;
	if (r < 0 && ret_item)
		*ret_item = build.origin_item;
	build_deinit(&build);
	return r;
}

enum { COMPILE_EXIT_CREDENTIALS = 243 };

/* Of a field of spec_confinement. */
static int compile_confinement_exit_status(size_t offset)
{
	switch (offset) {
	case offsetof(struct spec_confinement, apparmor_profile):
		return 231;
	case offsetof(struct spec_confinement, smack_label):
		return 236;
	default:
		return offset < offsetof(struct spec_confinement, landlock_scope) ? 229 : 226;
	}
}

int compile_exit_status(uint32_t origin)
{
	static const struct {
		uint32_t first, last;
		int status;
	} ranges[] = {
		{offsetof(struct spec, namespace_paths[SPEC_NAMESPACE_NETWORK]),
		 offsetof(struct spec, namespace_paths[SPEC_NAMESPACE_NETWORK]), 225},
		{offsetof(struct spec, user), offsetof(struct spec, user), 217},
		{offsetof(struct spec, group), offsetof(struct spec, supplementary_groups), 216},
		{offsetof(struct spec, working_directory), offsetof(struct spec, working_directory_optional),
		 200},
		{offsetof(struct spec, limits), offsetof(struct spec, limits), 219},
		{offsetof(struct spec, capability_bounding_set), offsetof(struct spec, ambient_capabilities),
		 218},
		{offsetof(struct spec, no_new_privileges), offsetof(struct spec, no_new_privileges), 227},
		{offsetof(struct spec, seccomp_default), offsetof(struct spec, restrict_address_families),
		 228},
		{offsetof(struct spec, cpu_policy), offsetof(struct spec, cpu_reset_on_fork), 214},
		{offsetof(struct spec, cpu_affinity), offsetof(struct spec, cpu_affinity), 215},
		{offsetof(struct spec, numa_policy), offsetof(struct spec, numa_mask), 242},
		{offsetof(struct spec, private_mounts), offsetof(struct spec, shm_size), 226},
	};

	if (origin != PROGRAM_NO_ORIGIN && (origin & 0xffff) == offsetof(struct spec, confinement))
		return compile_confinement_exit_status((origin >> 16) - 1);
	if (origin != PROGRAM_NO_ORIGIN)
		origin &= 0xffff; /* above it: which field of the limits */
	for (size_t kind = 0; kind < SPEC_DIRECTORY_MAX_; kind++)
		if (origin == offsetof(struct spec, directories) + kind * sizeof(char **))
			return directory_kinds[kind].exit_status;
	if (origin != PROGRAM_NO_ORIGIN && origin >= offsetof(struct spec, credentials) &&
	    origin <= offsetof(struct spec, secrets))
		return COMPILE_EXIT_CREDENTIALS;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (origin >= ranges[i].first && origin <= ranges[i].last)
			return ranges[i].status;
	return 1;
}
