/* cli/: how times, sizes and D-Bus values are printed, and what a user's words become. */
#include <stdlib.h>

#include "cli/cli.h"
#include "tests/unit/test.h"

TEST(what_is_past_is_told_by_its_two_largest_units)
{
	char text[64];

	EXPECT_TEXT(print_ago(0, text, sizeof text), "0ms ago");
	EXPECT_TEXT(print_ago(999 * USEC_PER_MSEC, text, sizeof text), "999ms ago");
	EXPECT_TEXT(print_ago(5 * USEC_PER_SEC, text, sizeof text), "5s ago");
	EXPECT_TEXT(print_ago(125 * USEC_PER_SEC, text, sizeof text), "2min 5s ago");
	EXPECT_TEXT(print_ago(3600 * USEC_PER_SEC, text, sizeof text), "1h ago");
	EXPECT_TEXT(print_ago(90061 * USEC_PER_SEC, text, sizeof text), "1d 1h ago");
}

TEST(spans_are_told_exactly)
{
	char text[64];

	EXPECT_TEXT(print_span(0, text, sizeof text), "0");
	EXPECT_TEXT(print_span(USEC_INFINITY, text, sizeof text), "infinity");
	EXPECT_TEXT(print_span(7, text, sizeof text), "7us");
	EXPECT_TEXT(print_span(100 * USEC_PER_MSEC, text, sizeof text), "100ms");
	EXPECT_TEXT(print_span(90 * USEC_PER_SEC, text, sizeof text), "1min 30s");
	EXPECT_TEXT(print_span(1500 * USEC_PER_MSEC, text, sizeof text), "1.500s");
	EXPECT_TEXT(print_span(2 * 3600 * USEC_PER_SEC + 1, text, sizeof text), "2h 1us");
}

TEST(sizes_have_one_digit)
{
	char text[64];

	EXPECT_TEXT(print_bytes(0, text, sizeof text), "0B");
	EXPECT_TEXT(print_bytes(1023, text, sizeof text), "1023B");
	EXPECT_TEXT(print_bytes(1024, text, sizeof text), "1.0K");
	EXPECT_TEXT(print_bytes(12900000, text, sizeof text), "12.3M");
	EXPECT_TEXT(print_bytes(UINT64_MAX - 1, text, sizeof text), "16.0E");
}

TEST(times_are_told_as_systemctl_does)
{
	char text[64];

	setenv("TZ", "UTC", 1);
	EXPECT_TEXT(print_time(1795311556 * USEC_PER_SEC, text, sizeof text), "Sun 2026-11-22 01:39:16 UTC");
	EXPECT_TEXT(print_time(USEC_INFINITY, text, sizeof text), "n/a");
}

TEST(names_are_completed)
{
	_cleanup_free_ char *web = call_unit_name("web"), *target = call_unit_name("web.target"),
			    *dotted = call_unit_name("web.1"), *path = call_unit_path("web.service");

	EXPECT_TEXT(web, "web.service");
	EXPECT_TEXT(target, "web.target");
	EXPECT_TEXT(dotted, "web.1.service");
	EXPECT_TEXT(path, "/org/svcd1/unit/web_2eservice");
}

static bool prints(const char *name, struct json_object *value, const char *expected)
{
	_cleanup_free_ char *text = value_print(name, value);
	bool same = text && strcmp(text, expected) == 0;

	if (!same)
		printf("# %s=%s, expected %s\n", name, text, expected);
	json_object_put(value);
	return same;
}

TEST(the_name_decides_what_a_number_means)
{
	setenv("TZ", "UTC", 1);
	EXPECT(prints("MainPID", json_object_new_int(12), "12"));
	EXPECT(prints("Nice", json_object_new_int(-5), "-5"));
	EXPECT(prints("TimeoutStartUSec", json_object_new_uint64(90000000), "1min 30s"));
	EXPECT(prints("RuntimeMaxUSec", json_object_new_uint64(UINT64_MAX), "infinity"));
	EXPECT(prints("MemoryCurrent", json_object_new_uint64(UINT64_MAX), "[not set]"));
	EXPECT(prints("MemoryMax", json_object_new_uint64(UINT64_MAX), "infinity"));
	EXPECT(prints("UMask", json_object_new_int(022), "0022"));
	EXPECT(prints("UID", json_object_new_int64(UINT32_MAX), "[not set]"));
	EXPECT(prints("ActiveEnterTimestamp", json_object_new_uint64(1795311556000000),
		      "Sun 2026-11-22 01:39:16 UTC"));
	EXPECT(prints("ActiveEnterTimestamp", json_object_new_uint64(0), ""));
	EXPECT(prints("ActiveEnterTimestampMonotonic", json_object_new_uint64(7), "7"));
	EXPECT(prints("CanStart", json_object_new_boolean(true), "yes"));
}

TEST(lists_and_structures_are_printed_in_a_line)
{
	EXPECT(prints("After", json_tokener_parse("[\"a.service\", \"b.target\"]"), "a.service b.target"));
	EXPECT(prints("InvocationID", json_tokener_parse("[1, 255, 0]"), "01ff00"));
	EXPECT(prints("Job", json_tokener_parse("[0, \"/\"]"), "0 /"));
	EXPECT(prints(
		"ExecStart", json_tokener_parse("[[\"/bin/a\", [\"a\", \"b\"], false, 0, 0, 0, 0, 9, 1, 3]]"),
		"{ path=/bin/a ; argv[]=a b ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=9 ; "
		"code=exited ; status=3/0 }"));
}

TEST(what_is_no_utf8_does_not_spoil_json)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"", "\"\""},
		{"plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
		 "\"plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\""},
		{"a\xff\xfe", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\xc3", "\"\xef\xbf\xbd\""},
		{"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
		{"\033[1m\n", "\"\\u001b[1m\\n\""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json_object *value = value_text(cases[i].text);

		EXPECT_TEXT(json_object_to_json_string(value), cases[i].expected);
		json_object_put(value);
	}
}

TEST_MAIN
