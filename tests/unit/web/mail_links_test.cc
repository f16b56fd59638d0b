#include "web/mail_links.h"

#include <gtest/gtest.h>

#include <chrono>

namespace postern::web {
namespace {

// "element url host words"
std::vector<std::string> links_of(const std::string& html, std::optional<std::string> text = {}) {
  std::vector<std::string> found;
  for (const MailLink& link : list_mail_links(html, text)) {
    found.push_back(link.element + ' ' + link.url + ' ' + link.host + (link.words.empty() ? "" : " " + link.words));
  }
  return found;
}

using Texts = std::vector<std::string>;

struct LinkCase {
  const char* name;
  std::string html;
  Texts links;
};

TEST(MailLinks, AreWhatABrowserWouldOpenOrLoad) {
  const LinkCase cases[] = {
      {"a link",
       "<a href=\"https://example.net/a?b=1&amp;c=2\">Read  <b>more</b>\n</a>",
       {"a https://example.net/a?b=1&c=2 example.net Read more"}},
      {"an image", "<img width=1 src='http://track.example/p.gif'>", {"img http://track.example/p.gif track.example"}},
      {"without quotes", "<A HREF=https://example.net>x</A>", {"a https://example.net example.net x"}},
      {"script", "<a href=\"java&#115;cript:alert(1)\">x</a>", {"a javascript:alert(1)  x"}},
      {"a line end within", "<a href=\"java\nscript:alert(1)\">x</a>", {"a javascript:alert(1)  x"}},
      {"another address than it shows",
       "<a href=\"https://evil.example\">https://bank.example</a>",
       {"a https://evil.example evil.example https://bank.example"}},
      {"a name that looks alike", "<a href=\"https://аpple.example\">x</a>", {"a https://аpple.example xn--pple-43d.example x"}},
      {"a user that looks like a host",
       "<a href=\"https://bank.example@evil.example/\">x</a>",
       {"a https://bank.example@evil.example/ evil.example x"}},
      {"a form", "<form action=https://evil.example/f>", {"form https://evil.example/f evil.example"}},
      {"several of one tag",
       "<body background=http://a.example/1 x='>' href=http://b.example/2>",
       {"body http://a.example/1 a.example", "body http://b.example/2 b.example"}},
      {"a place in the mail", "<a href=#top>x</a>", {}},
      {"none", "<p>https://example.net</p> 1 < 2 <", {}},
      {"an address literal", "<a href=http://[::1]:8025/x>y</a>", {"a http://[::1]:8025/x [::1] y"}},
  };
  for (const LinkCase& row : cases) EXPECT_EQ(links_of(row.html), row.links) << row.name;
}

TEST(MailLinks, OfTheTextAreThoseThatTheHtmlHasNot) {
  EXPECT_EQ(links_of("<a href=https://a.example/>x</a>", "see https://a.example/ and (https://b.example/c).\nhttp://"),
            (Texts{"a https://a.example/ a.example x", "text https://b.example/c b.example", "text http:// "}));
}

TEST(MailLinks, AreBounded) {
  std::string many;
  for (std::size_t i = 0; i < kMaxMailLinks + 100; ++i) many += "<a href=https://" + std::to_string(i) + ".example>x</a>";
  EXPECT_EQ(list_mail_links(many, many).size(), kMaxMailLinks);
  const auto longest = list_mail_links("<a href=https://a.example/" + std::string(100'000, 'x') + ">", {});
  EXPECT_EQ(longest.at(0).url.size(), kMaxLinkOctets);
}

// A tag that never ends begins as often as there are letters: each is read once.
TEST(MailLinks, TakeTimeInProportionToTheText) {
  std::string open_tags;
  while (open_tags.size() < 4 * 1024 * 1024) open_tags += "<a href='x ";
  std::string empty_links;
  while (empty_links.size() < 4 * 1024 * 1024) empty_links += "<a href=y><b><i>";
  const auto began = std::chrono::steady_clock::now();
  list_mail_links(open_tags, {});
  list_mail_links(empty_links, {});
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

}  // namespace
}  // namespace postern::web
