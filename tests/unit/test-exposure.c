/* Id maps, and what a launch leaves exposed: specs compiled without root, and asked. */
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/text.h"
#include "engine/exposure.h"
#include "engine/seccomp-ask.h"
#include "tests/unit/test.h"

static char *const argv_true[] = {(char *)"/bin/true", NULL};
static const struct compile_command command = {.path = "/bin/true", .argv = argv_true};
static struct failure failure;

static int make(const struct spec *spec, uint32_t range, struct program **ret)
{
	const struct compile_context context = {
		.name = "t.service", .join_pidfd = -1, .auto_range = range, .in_cgroup = true};

	failure = (struct failure){};
	return compile(spec, &command, &context, ret, &failure, NULL, NULL);
}

/* The map of users that the launch writes, with ',' between the ranges; the failure's text when there is none. */
static const char *map_of(const struct spec *spec)
{
	static char text[512];
	struct program *program;

	text[0] = '\0';
	if (make(spec, 1000000, &program) < 0)
		return failure.text;
	for (uint32_t i = 0; i < program->block->n_ops; i++) {
		const struct program_op *op = &program_ops(program->block)[i];

		if (op->code == PROGRAM_USER_NAMESPACE)
			snprintf(text, sizeof text, "%s", program_text(program->block, op->text));
	}
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = c[1] ? ',' : '\0';
	program_free(program);
	return text;
}

static struct spec fresh(enum spec_user_namespace users)
{
	struct spec spec;

	spec_init(&spec);
	spec.user_namespace = users;
	EXPECT(text_set(&spec.root_directory, "/usr") == 0); /* any directory will do */
	return spec;
}

static void add_range(struct spec_id_map *map, uint32_t inside, uint32_t outside, uint32_t count)
{
	map->ranges = reallocarray(map->ranges, map->n_ranges + 1, sizeof *map->ranges);
	EXPECT(map->ranges);
	map->ranges[map->n_ranges++] = (struct spec_id_range){inside, outside, count};
}

TEST(id_maps)
{
	struct spec spec = fresh(SPEC_USER_IDENTITY);

	EXPECT_TEXT(map_of(&spec), "0 0 65536");
	spec.user_namespace = SPEC_USER_FULL;
	EXPECT_TEXT(map_of(&spec), "0 0 1,1 1 4294967294");
	spec.user_namespace = SPEC_USER_SELF;
	EXPECT_TEXT(map_of(&spec), "0 0 1");
	EXPECT(text_set(&spec.user, "77") == 0);
	EXPECT_TEXT(map_of(&spec), "0 0 1,77 77 1");
	spec.user_namespace = SPEC_USER_AUTO;
	EXPECT_TEXT(map_of(&spec), "0 1000000 65536");
	spec.user_namespace_size = 10;
	EXPECT(strstr(map_of(&spec), "not in the user namespace's map"));
	spec.user_namespace_size = 100;
	add_range(&spec.uid_map, 5, 7, 2);
	EXPECT_TEXT(map_of(&spec), "5 7 2,0 1000000 5,7 1000007 93");
	add_range(&spec.uid_map, 98, 500, 10);
	EXPECT_TEXT(map_of(&spec), "5 7 2,98 500 10,0 1000000 5,7 1000007 91");
	spec_deinit(&spec);

	spec = fresh(SPEC_USER_MAP);
	EXPECT(strstr(map_of(&spec), "no id map"));
	add_range(&spec.uid_map, 1, 1, 1);
	add_range(&spec.gid_map, 1, 1, 1);
	EXPECT(strstr(map_of(&spec), "maps no root"));
	spec_deinit(&spec);
}

TEST(no_range_is_left)
{
	struct spec spec = fresh(SPEC_USER_AUTO);
	struct program *program;

	EXPECT(make(&spec, 0, &program) == -EUSERS && strstr(failure.text, "no range"));
	spec.user_namespace = SPEC_USER_NO_MAP;
	EXPECT(make(&spec, 0, &program) == -EUSERS);
	spec_deinit(&spec);
}

/* --- exposure ------------------------------------------------------------------------------------------ */

static struct exposure exposure;

static unsigned score_of(const struct spec *spec, bool cgroup)
{
	struct program *program;

	EXPECT(make(spec, 1000000, &program) == 0);
	exposure_assess(&(struct exposure_launch){.program = program, .spec = spec, .cgroup = cgroup},
			&exposure);
	program_free(program);
	return exposure.score;
}

static unsigned badness(const char *name)
{
	for (size_t i = 0; i < exposure.n; i++)
		if (strcmp(exposure.rows[i].name, name) == 0)
			return exposure.rows[i].badness;
	EXPECT(!"a row of this name");
	return 0;
}

TEST(rows_are_whole)
{
	struct spec spec;

	spec_init(&spec);
	score_of(&spec, true);
	EXPECT(exposure.n > 60);
	for (size_t i = 0; i < exposure.n; i++) {
		const struct exposure_row *row = &exposure.rows[i];

		EXPECT(*row->name && *row->text && row->weight > 0 && row->range > 0);
		EXPECT(row->badness <= row->range && row->room < EXPOSURE_ROOM_MAX_);
		EXPECT(i == 0 || row->room >= exposure.rows[i - 1].room); /* explain prints room by room */
		for (size_t j = 0; j < i; j++)
			EXPECT(strcmp(row->name, exposure.rows[j].name) != 0);
	}
	spec_deinit(&spec);
}

TEST(more_isolation_is_less_exposure)
{
	struct spec spec;
	unsigned before, now;

	spec_init(&spec);
	before = score_of(&spec, true);
	EXPECT(before >= 90 && exposure_predicate(before) == exposure.predicate);
	EXPECT(badness("PrivateNetwork=") == 1 && badness("ProtectSystem=") == 10);
	spec.private_network = spec.private_mounts = true;
	spec.protect_system = SPEC_PROTECT_SYSTEM_FULL;
	spec.protect_home = SPEC_PROTECT_HOME_YES;
	now = score_of(&spec, true);
	EXPECT(now < before && badness("PrivateNetwork=") == 0 && badness("ProtectSystem=") == 1);
	EXPECT(badness("ProtectHome=") == 0 && badness("RestrictAddressFamilies=~AF_(INET|INET6)") == 0);
	before = now;
	spec.capability_bounding_set = UINT64_C(1) << CAP_NET_BIND_SERVICE;
	spec.no_new_privileges = true;
	now = score_of(&spec, true);
	EXPECT(now < before && badness("CapabilityBoundingSet=~CAP_SYS_ADMIN") == 0);
	EXPECT(badness("CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|BROADCAST|RAW)") == 1);
	spec_deinit(&spec);
}

/* What is set, and where it is not enforced, does not count. */
TEST(limits_count_where_there_is_a_cgroup)
{
	struct spec_limits limits = spec_limits_default;
	struct spec spec;

	spec_init(&spec);
	limits.memory_max = 1 << 20;
	spec.limits = &limits;
	score_of(&spec, true);
	EXPECT(badness("MemoryMax=") == 0 && badness("TasksMax=") == 1);
	score_of(&spec, false);
	EXPECT(badness("MemoryMax=") == 1);
	spec.limits = NULL;
	spec_deinit(&spec);
}

TEST(filters_are_asked_themselves)
{
	const uint64_t inet[6] = {AF_INET}, unix_socket[6] = {AF_UNIX}, none[6] = {};
	struct program *program;
	struct spec spec;

	spec_init(&spec);
	EXPECT(make(&spec, 0, &program) == 0);
	EXPECT(seccomp_ask_any(program->block, "@mount") && seccomp_ask_foreign(program->block));
	program_free(program);
	spec.no_new_privileges = true;
	EXPECT(text_list_append(&spec.restrict_address_families, "AF_UNIX") == 0);
	EXPECT(text_list_append(&spec.system_call_filter.names, "~@swap") == 0);
	EXPECT(make(&spec, 0, &program) == 0);
	EXPECT(!seccomp_ask_any(program->block, "@swap") && seccomp_ask_any(program->block, "@swap read"));
	EXPECT(!seccomp_ask_call(program->block, "socket", inet));
	EXPECT(seccomp_ask_call(program->block, "socket", unix_socket));
	EXPECT(!seccomp_ask_call(program->block, "no_such_call", none));
	EXPECT(!seccomp_ask_foreign(program->block));
	EXPECT(seccomp_ask_any(program->block,
			       "@no-such-group")); /* what is not understood is not promised */
	program_free(program);
	spec_deinit(&spec);
}

TEST_MAIN
