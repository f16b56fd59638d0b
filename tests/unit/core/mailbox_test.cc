#include "core/mailbox.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Mailbox, PathsAreParsedByTheGrammar) {
  struct Case {
    const char* name;
    std::string path;
    std::optional<PathError> error;
    const char* local = "";
    const char* domain = "";
  };
  const std::string long_local(64, 'a'), longer_local(65, 'a');
  const Case cases[] = {
      {"plain", "<a.b+c@example.org>", {}, "a.b+c", "example.org"},
      {"quoted", "<\"a b\\\"c\"@example.org>", {}, "\"a b\\\"c\"", "example.org"},
      {"percent hack is opaque", "<a%b@example.org>", {}, "a%b", "example.org"},
      {"bang path is opaque", "<b!a@example.org>", {}, "b!a", "example.org"},
      {"source route is dropped", "<@one.example,@two.example:a@example.org>", {}, "a", "example.org"},
      {"IPv4 literal", "<a@[192.0.2.1]>", {}, "a", "[192.0.2.1]"},
      {"IPv6 literal", "<a@[IPv6:2001:db8::1]>", {}, "a", "[IPv6:2001:db8::1]"},
      {"longest local part", "<" + long_local + "@example.org>", {}, long_local.c_str(), "example.org"},
      {"local part too long", "<" + longer_local + "@example.org>", PathError::TooLong},
      {"no domain", "<a>", PathError::NoDomain},
      {"no bracket", "a@example.org", PathError::Syntax},
      {"unfinished", "<a@example.org", PathError::Syntax},
      {"two dots", "<a..b@example.org>", {}, "\"a..b\"", "example.org"},
      {"leading dot", "<.a@example.org>", {}, "\".a\"", "example.org"},
      {"trailing dot", "<a.@example.org>", {}, "\"a.\"", "example.org"},
      {"two dots, too long with its quotes", "<" + long_local.substr(3) + "..@example.org>", PathError::TooLong},
      {"empty label", "<a@example..org>", PathError::Syntax},
      {"label with a hyphen at its end", "<a@example-.org>", PathError::Syntax},
      {"LF in quotes", "<\"a\nb\"@example.org>", PathError::Syntax},
      {"NUL", std::string("<a\0b@example.org>", 17), PathError::Syntax},
      {"blank", "<a b@example.org>", PathError::Syntax},
      {"unclosed quote", "<\"a@example.org>", PathError::Syntax},
      {"bad literal", "<a@[300.0.0.1]>", PathError::Syntax},
      {"IPv6 without its tag", "<a@[2001:db8::1]>", PathError::Syntax},
      {"UTF-8 that was not announced", "<gr\xC3\xBC\xC3\x9F@example.org>", PathError::Needs8BitSupport},
      {"invalid UTF-8", "<a\xC3@example.org>", PathError::InvalidUtf8},
      {"right-to-left override", "<a\xE2\x80\xAE@example.org>", PathError::ForbiddenCharacter},
      {"line separator", "<a\xE2\x80\xA8@example.org>", PathError::ForbiddenCharacter},
      {"soft hyphen", "<a@exam\xC2\xADple.org>", PathError::ForbiddenCharacter},
      {"tag character", "<a\xF3\xA0\x81\xA1@example.org>", PathError::ForbiddenCharacter},
  };
  for (const Case& c : cases) {
    const PathParse parse = parse_reverse_path(c.path, false);
    EXPECT_EQ(parse.error, c.error) << c.name;
    if (c.error || parse.error) continue;
    EXPECT_EQ(*parse.mailbox, (Mailbox{c.local, c.domain})) << c.name;
    EXPECT_EQ(parse.consumed, c.path.size()) << c.name;
  }
}

TEST(Mailbox, NullPathIsASenderOnlyAndPostmasterARecipientOnly) {
  EXPECT_FALSE(parse_reverse_path("<>", false).error);
  EXPECT_FALSE(parse_reverse_path("<>", false).mailbox);
  EXPECT_TRUE(parse_forward_path("<>", false).error);
  EXPECT_EQ(parse_forward_path("<PostMaster>", false).mailbox->domain, "");
  EXPECT_TRUE(parse_reverse_path("<postmaster>", false).error);
}

TEST(Mailbox, TextBehindThePathIsLeft) {
  EXPECT_EQ(parse_reverse_path("<a@example.org> SIZE=5", false).consumed, 15U);
  EXPECT_FALSE(parse_mailbox("a@example.org b"));
  EXPECT_FALSE(parse_mailbox("a@example.org>"));
}

TEST(Mailbox, GoesOutAsItWasJudged) {
  struct Case {
    Mailbox mailbox;
    const char* outgoing;
  };
  for (const Case& c : {Case{{"b", "b\xC3\xBC" "cher.example"}, "b@xn--bcher-kva.example"},
                        Case{{"allowed", "\xEF\xBD\x85xample.com"}, "allowed@example.com"},
                        Case{{"b", "Example.ORG"}, "b@Example.ORG"},
                        Case{{"\xC3\xA4", "b\xC3\xBC" "cher.example"}, "\xC3\xA4@b\xC3\xBC" "cher.example"},
                        Case{{"\xC3\xA4", "\xEF\xBD\x85xample.com"}, "\xC3\xA4@example.com"}}) {
    EXPECT_EQ(format_mailbox(outgoing_mailbox(c.mailbox)), c.outgoing);
    EXPECT_EQ(normalised_mailbox(outgoing_mailbox(c.mailbox)), normalised_mailbox(c.mailbox)) << c.outgoing;
  }
}

TEST(Mailbox, NormalFormComparesWhatDeliveryMeans) {
  struct Case {
    Mailbox mailbox;
    const char* normal;
  };
  const Case cases[] = {
      {{"User", "EXAMPLE.org"}, "User@example.org"},
      {{"\"user\"", "example.org"}, "user@example.org"},
      {{"\"us\\er\"", "example.org"}, "user@example.org"},
      {{"\"a b\"", "example.org"}, "\"a b\"@example.org"},
      {{"\"a\\ b\"", "example.org"}, "\"a b\"@example.org"},
      {{"\"a\\\"\\\\\"", "example.org"}, "\"a\\\"\\\\\"@example.org"},
      {{"\"\"", "example.org"}, "\"\"@example.org"},
      {{"\"a@b\"", "example.org"}, "\"a@b\"@example.org"},
      {{"a", "b\xC3\xBC" "cher.example"}, "a@xn--bcher-kva.example"},
      {{"a", "XN--BCHER-KVA.example"}, "a@xn--bcher-kva.example"},
      {{"a", "\xD0\xB0pple.example"}, "a@xn--pple-43d.example"},  // a Cyrillic letter that looks like an a
  };
  for (const Case& c : cases) EXPECT_EQ(normalised_mailbox(c.mailbox), c.normal);
}

TEST(Mailbox, ADomainHasNoDotsButDots) {
  for (const char* domain : {"recipient\xE3\x80\x82" "example", "recipient\xEF\xBC\x8E" "example",
                             "recipient\xEF\xBD\xA1" "example"}) {
    EXPECT_EQ(parse_forward_path("<a@" + std::string(domain) + ">", true).error, PathError::Syntax) << domain;
    EXPECT_FALSE(parse_mailbox("a@" + std::string(domain))) << domain;
  }
}

TEST(Mailbox, ALongHostilePathCostsLinearTime) {
  EXPECT_TRUE(parse_reverse_path("<" + std::string(1'000'000, '"') + "@x>", false).error);
  EXPECT_TRUE(parse_reverse_path("<" + std::string(1'000'000, '@') + ">", false).error);
}

}  // namespace
}  // namespace postern
