/* Environment files and variables in command lines. */
#include "base/text.h"
#include "engine/environment.h"
#include "tests/unit/test.h"

TEST(files)
{
	_cleanup_text_list_ char **list = NULL;
	unsigned line = 0;

	EXPECT(environment_parse_file(
		       "# comment \\\nstill comment\n; another\n\nA=1\nB = two words  \nC='single $x \\n'\n"
		       "D=\"double \\\"quoted\\\" \\x\"\nE=joined\\\n-line\nF=\nG=\"two\nlines\"\nA=again\nH=a'b 'c\n",
		       &list, &line) == 0);
	EXPECT(text_list_length(list) == 8);
	EXPECT_TEXT(environment_get(list, "A"), "again");
	EXPECT_TEXT(environment_get(list, "B"), "two words");
	EXPECT_TEXT(environment_get(list, "C"), "single $x \\n");
	EXPECT_TEXT(environment_get(list, "D"), "double \"quoted\" \\x");
	EXPECT_TEXT(environment_get(list, "E"), "joined-line");
	EXPECT_TEXT(environment_get(list, "F"), "");
	EXPECT_TEXT(environment_get(list, "G"), "two\nlines");
	EXPECT_TEXT(environment_get(list, "H"), "ab c");
	EXPECT(environment_get(list, "NONE") == NULL);
}

TEST(bad_files_name_the_line)
{
	static const char *const texts[] = {"A=1\nno assignment\n", "A=1\n=x", "A=1\n1A=2",
					    "A=1\nB='unterminated\n\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_text_list_ char **list = NULL;
		unsigned line = 0;

		EXPECT(environment_parse_file(texts[i], &list, &line) == -EINVAL);
		EXPECT(line == 2);
	}
}

TEST(expansion_leaves_what_is_no_variable)
{
	char *const words[] = {(char *)"$X",   (char *)"$",   (char *)"${",   (char *)"${X",
			       (char *)"${1}", (char *)"a$X", (char *)"$$$$", NULL};
	char *const environment[] = {(char *)"X=v", NULL};
	_cleanup_text_list_ char **list = NULL;
	_cleanup_free_ char *joined = NULL;

	EXPECT(environment_expand(words, environment, &list) == 0);
	joined = text_list_join(list, "|");
	EXPECT_TEXT(joined, "$X|$|${|${X|${1}|a$X|$$");
}

TEST_MAIN
