/* The payload's filter: one for all that asks for it, because every filter costs at load time and at each
 * call. Each architecture's policy begins with everything allowed or with the containers' default, is
 * narrowed by SystemCallFilter= and by the restrictions, and is then assembled to code. Of two answers for
 * one call the stricter wins.
 *
 * Calls by an architecture that is not listed (by default all but the native one, x32 included) are refused
 * as soon as there is any filter: a list that only holds for one way of calling is none. */
#include <stdio.h>
#include <string.h>

#include "engine/seccomp.h"
#include "engine/seccomp-groups.h"
#include "engine/seccomp-profile.h"
#include "engine/seccomp-restrict.h"

enum { SECCOMP_WORD_MAX = 64 };

bool seccomp_wanted_by_user(const struct spec *spec)
{
	return spec->system_call_filter.names || spec->system_call_filter.allow_list ||
	       spec->system_call_log.names || spec->system_call_architectures ||
	       seccomp_restrict_wanted(spec);
}

bool seccomp_wanted(const struct spec *spec)
{
	return spec->seccomp_default != SPEC_SECCOMP_NONE || seccomp_wanted_by_user(spec);
}

static uint32_t seccomp_refusal(const struct spec *spec)
{
	return spec->system_call_errno > 0 ? SECCOMP_RET_ERRNO | (uint32_t)spec->system_call_errno
					   : SECCOMP_RET_KILL_PROCESS;
}

/* "EPERM" or "1" or "kill" to an action. */
static bool seccomp_parse_action(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long number;

	if (strcmp(text, "kill") == 0) {
		*ret = SECCOMP_RET_KILL_PROCESS;
		return true;
	}
	for (int error = 1; error < 134; error++) {
		const char *name = strerrorname_np(error);

		if (name && strcmp(name, text) == 0) {
			*ret = SECCOMP_RET_ERRNO | (uint32_t)error;
			return true;
		}
	}
	number = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || number > 4095)
		return false;
	*ret = SECCOMP_RET_ERRNO | (uint32_t)number;
	return true;
}

/* The known name nearest to NAME; NULL when none is near. */
static const char *seccomp_nearest(const char *name, char buffer[SECCOMP_WORD_MAX])
{
	unsigned best = 3;

	*buffer = '\0';
	for (size_t i = 0; i < seccomp_n_groups; i++) {
		const char *word = name[0] == '@' ? seccomp_groups[i].name : seccomp_groups[i].members;

		while (*word) {
			size_t length = strcspn(word, " ");
			char candidate[SECCOMP_WORD_MAX];
			unsigned distance;

			memcpy(candidate, word, MIN_OF(length, sizeof(candidate) - 1));
			candidate[MIN_OF(length, sizeof(candidate) - 1)] = '\0';
			distance = text_distance(name, candidate, best);
			if (distance < best) {
				best = distance;
				memcpy(buffer, candidate, sizeof(candidate));
			}
			word += length;
			word += strspn(word, " ");
		}
	}
	return *buffer ? buffer : NULL;
}

static int seccomp_unknown(struct build *build, const char *name)
{
	char buffer[SECCOMP_WORD_MAX];
	const char *nearest = seccomp_nearest(name, buffer);
	const char *what = name[0] == '@' ? "system call group" : "system call";

	if (nearest)
		return build_fail(build, -EINVAL, "\"%s\" is no %s; did you mean \"%s\"?", name, what,
				  nearest);
	return build_fail(build, -EINVAL, "\"%s\" is no %s", name, what);
}

/* One of the two lists, SystemCallFilter= or SystemCallLog=, as what becomes of each call. */
struct seccomp_user_filter {
	const struct spec_system_calls *calls;
	uint32_t listed, inverted; /* of a name, of one behind "~" */
	uint32_t fallback;	   /* of all others */
	uint32_t actions[SECCOMP_CODE_NUMBERS];
	uint32_t action; /* of the item at hand */
};

static void seccomp_visit_item(struct seccomp_policy *policy, int number, void *data)
{
	struct seccomp_user_filter *filter = data;

	(void)policy;
	filter->actions[number] = filter->action;
}

static int seccomp_add_item(struct build *build, struct seccomp_policy *policy, const char *item,
			    struct seccomp_user_filter *filter)
{
	bool invert = item[0] == '~';
	const char *name = item + invert, *colon = strchr(name, ':');
	char word[SECCOMP_WORD_MAX];

	if (snprintf(word, sizeof(word), "%.*s", colon ? (int)(colon - name) : (int)strlen(name), name) >=
	    (int)sizeof(word))
		return seccomp_unknown(build, name);
	filter->action = invert ? filter->inverted : filter->listed;
	if (colon && !seccomp_parse_action(colon + 1, &filter->action))
		return build_fail(build, -EINVAL, "\"%s\" is no error number", colon + 1);
	if (word[0] != '\0' && (word[0] == '@' || seccomp_policy_number(policy, word) != -2) &&
	    seccomp_policy_visit(policy, word, seccomp_visit_item, filter) == 0)
		return 0;
	return filter->calls->ignore_unknown ? 0 : seccomp_unknown(build, word);
}

/* The items in their order, then merged into the policy. ORIGIN: the list's field. */
static int seccomp_apply_list(struct build *build, struct seccomp_policy *policy, uint32_t origin,
			      struct seccomp_user_filter *filter)
{
	char **names = filter->calls->names;
	int r = 0;

	for (size_t i = 0; i < text_list_length(names) && r == 0; i++) {
		build_origin(build, origin, i);
		r = seccomp_add_item(build, policy, names[i], filter);
	}
	if (r < 0)
		return r;
	for (int i = 0; i < SECCOMP_CODE_NUMBERS; i++)
		seccomp_policy_restrict(policy, i, filter->actions[i]);
	if (seccomp_policy_stricter(filter->fallback, policy->table.beyond))
		policy->table.beyond = filter->fallback;
	return 0;
}

static void seccomp_begin_list(struct seccomp_user_filter *filter, const struct spec_system_calls *calls,
			       uint32_t listed, uint32_t inverted)
{
	filter->calls = calls;
	filter->listed = listed;
	filter->inverted = inverted;
	filter->fallback = calls->allow_list ? inverted : listed;
	for (size_t i = 0; i < SECCOMP_CODE_NUMBERS; i++)
		filter->actions[i] = filter->fallback;
}

/* SystemCallFilter=, then SystemCallLog=, which logs what is still allowed. */
static int seccomp_apply_user(struct build *build, struct seccomp_policy *policy)
{
	const struct spec *spec = build->spec;
	_cleanup_free_ struct seccomp_user_filter *filter = calloc(1, sizeof(*filter));
	int r = 0;

	if (!filter)
		return build_fail(build, -ENOMEM, "the system call filter could not be built");
	if (spec->system_call_filter.names || spec->system_call_filter.allow_list) {
		seccomp_begin_list(filter, &spec->system_call_filter, SECCOMP_RET_ALLOW,
				   seccomp_refusal(spec));
		if (spec->system_call_filter.allow_list) {
			filter->action = SECCOMP_RET_ALLOW;
			seccomp_policy_visit(policy, "@default", seccomp_visit_item, filter);
		}
		r = seccomp_apply_list(build, policy, offsetof(struct spec, system_call_filter), filter);
	}
	if (r == 0 && spec->system_call_log.names) {
		seccomp_begin_list(filter, &spec->system_call_log, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW);
		r = seccomp_apply_list(build, policy, offsetof(struct spec, system_call_log), filter);
	}
	return r;
}

/* What all policies of one filter are made from. */
struct seccomp_source {
	uint64_t capabilities;
	struct seccomp_profile *profile; /* NULL: none */
};

static int seccomp_make_policy(struct build *build, const char *architecture,
			       const struct seccomp_source *source, struct seccomp_policy **ret)
{
	const struct spec *spec = build->spec;
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;
	int r = seccomp_policy_new(architecture, &policy);

	if (r == -EINVAL)
		return build_fail(build, r, "\"%s\" is no architecture", architecture);
	if (r == -EOPNOTSUPP)
		return r;
	if (r < 0)
		return build_fail(build, r, "the system call filter could not be built");
	if (spec->seccomp_default == SPEC_SECCOMP_CONTAINER)
		seccomp_container_fill(policy, source->capabilities);
	if (source->profile)
		seccomp_profile_fill(source->profile, policy);
	r = seccomp_apply_user(build, policy);
	if (r == 0)
		r = seccomp_restrict_apply(build, policy);
	if (r < 0)
		return r;
	if (policy->failed)
		return build_fail(build, -ENOMEM, "the system call filter could not be built");
	*ret = TAKE(policy);
	return 0;
}

/* Adds the policy of one architecture, unless it is there or its calls cannot happen here. */
static int seccomp_add_policy(struct build *build, const char *name, const struct seccomp_source *source,
			      struct seccomp_policy **policies, size_t *n)
{
	_cleanup_(cleanup_seccomp_policy_free) struct seccomp_policy *policy = NULL;
	int r = seccomp_make_policy(build, name, source, &policy);

	if (r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	for (size_t i = 0; i < *n; i++)
		if (policies[i]->architecture == policy->architecture)
			return 0;
	if (*n == SECCOMP_CODE_ARCHITECTURES)
		return build_fail(build, -E2BIG, "too many system call architectures");
	policies[(*n)++] = TAKE(policy);
	return 0;
}

/* Makes a policy per architecture, the native one always among them; POLICIES has room for SECCOMP_CODE_ARCHITECTURES. */
static int seccomp_make_policies(struct build *build, const struct seccomp_source *source,
				 struct seccomp_policy **policies, size_t *ret_n)
{
	char *const *names = build->spec->system_call_architectures;
	int r = seccomp_add_policy(build, "native", source, policies, ret_n);

	if (!names && source->profile)
		names = seccomp_profile_architectures(source->profile);
	for (size_t i = 0; names && names[i] && r == 0; i++) {
		BUILD_ORIGIN_ITEM(build, system_call_architectures, i);
		r = seccomp_add_policy(build, names[i], source, policies, ret_n);
	}
	return r;
}

int seccomp_compile(struct build *build, uint64_t capabilities, struct seccomp_code_filter *filter)
{
	const struct spec *spec = build->spec;
	_cleanup_(cleanup_seccomp_profile_free) struct seccomp_profile *profile = NULL;
	struct seccomp_policy *policies[SECCOMP_CODE_ARCHITECTURES] = {};
	const struct seccomp_code_table *tables[SECCOMP_CODE_ARCHITECTURES];
	/* An architecture that the user left out on purpose is refused as the user wants calls refused. */
	uint32_t other = spec->system_call_architectures ? seccomp_refusal(spec) : SECCOMP_RET_ERRNO | ENOSYS;
	size_t n = 0;
	int r = 0;

	BUILD_ORIGIN(build, seccomp_profile);
	if (spec->seccomp_default == SPEC_SECCOMP_PROFILE)
		r = seccomp_profile_read(build, spec->seccomp_profile, capabilities, &profile);
	if (r == 0)
		r = seccomp_make_policies(
			build, &(struct seccomp_source){.capabilities = capabilities, .profile = profile},
			policies, &n);
	for (size_t i = 0; i < n; i++)
		tables[i] = &policies[i]->table;
	if (r == 0) {
		r = seccomp_code_assemble(tables, n, other, filter);
		if (r < 0)
			build_fail(build, r, "the system call filter could not be assembled");
	}
	filter->flags = profile ? seccomp_profile_flags(profile) : 0;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		seccomp_policy_free(policies[i]);
	return r;
}

static void seccomp_set_origin(struct build *build)
{
	const struct spec *spec = build->spec;

	if (spec->system_call_filter.names)
		BUILD_ORIGIN(build, system_call_filter);
	else if (spec->system_call_log.names)
		BUILD_ORIGIN(build, system_call_log);
	else if (spec->seccomp_default != SPEC_SECCOMP_NONE)
		BUILD_ORIGIN(build, seccomp_profile);
	else if (spec->restrict_namespaces != SPEC_UNSET)
		BUILD_ORIGIN(build, restrict_namespaces);
	else if (spec->restrict_address_families)
		BUILD_ORIGIN(build, restrict_address_families);
	else
		build_no_origin(build);
}

int seccomp_emit(struct build *build, uint64_t capabilities)
{
	struct seccomp_code_filter filter = {};
	struct program_op *op;
	uint32_t offset;
	int r;

	if (!seccomp_wanted(build->spec) || build->command->full_privileges)
		return 0;
	r = seccomp_compile(build, capabilities, &filter);
	if (r < 0)
		return r;
	seccomp_set_origin(build);
	offset = build_bytes(build, filter.instructions, filter.n * sizeof(*filter.instructions), 8);
	op = build_op(build, PROGRAM_SECCOMP);
	op->text = offset;
	op->number = filter.n;
	op->flags = filter.flags;
	free(filter.instructions);
	return 0;
}
