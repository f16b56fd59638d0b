// What a word means is found in every table, by whatever form it was met in.
#include "app/help_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern::app {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string help_of(std::string_view word) {
  std::string text;
  for (const HelpEntry& entry : find_help(word)) text += entry.word + " (" + entry.kind + ")\n" + entry.text;
  return text;
}

TEST(HelpText, ExplainsAKeyByItsNameAndByItsVariable) {
  const auto explains = AllOf(HasSubstr("max_recipients (key of the configuration)\n"), HasSubstr("Default: "),
                              HasSubstr("Variable: POSTERN_MAX_RECIPIENTS\n"));
  EXPECT_THAT(help_of("max_recipients"), explains);
  EXPECT_THAT(help_of("POSTERN_MAX_RECIPIENTS"), explains);
  EXPECT_THAT(help_of("host"), HasSubstr("host (key of the configuration, [[route]])\n"));
}

TEST(HelpText, ExplainsWhatARefusalSaidAndWhy) {
  EXPECT_THAT(help_of("rate_limited"), AllOf(HasSubstr("rate_limited (token of a refusal)\n"), HasSubstr("HTTP: 429\n")));
  EXPECT_THAT(help_of("RATE_LIMITED"), HasSubstr("rate_limited (token of a refusal)\n"));
}

TEST(HelpText, ExplainsMetricsFactsAndClasses) {
  EXPECT_THAT(help_of("postern_commit_batch_size"),
              HasSubstr("postern_commit_batch_size (metric)\nRequests that one sync made durable."));
  EXPECT_THAT(help_of("recipient_deferred"), HasSubstr("recipient_deferred (fact of the log)\noutcome of an attempt"));
  EXPECT_THAT(help_of("mailbox_full"), HasSubstr("mailbox_full (class of a failed delivery)\n"));
}

TEST(HelpText, SaysWhatWasPerhapsMeant) {
  EXPECT_THAT(find_help("max_recipents"), IsEmpty());
  EXPECT_EQ(nearest_help("max_recipents"), "max_recipients");
  EXPECT_EQ(nearest_help("a word that is nowhere near anything of ours"), "");
}

}  // namespace
}  // namespace postern::app
