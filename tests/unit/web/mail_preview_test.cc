#include "web/mail_preview.h"

#include "core/bytes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postern::web {
namespace {

// What the document has of the mail: without what is put before it.
std::string shown(std::string_view html, std::span<const InlineImage> images = {}) {
  const std::string empty = preview_html("", {}, {});
  const std::string document = preview_html(html, images, {});
  EXPECT_TRUE(document.starts_with(empty));
  return document.substr(empty.size());
}

TEST(PreviewPolicy, LetsNothingRunLoadOrBeSent) {
  const std::string policy(preview_policy({}));
  EXPECT_TRUE(policy.starts_with("sandbox; default-src 'none';")) << "a sandbox without a word: " << policy;
  for (const char* word : {"allow-", "http:", "https:", "'unsafe-eval'", "script-src", "'self';", "connect-src"}) {
    EXPECT_EQ(policy.find(word), std::string::npos) << word;
  }
  EXPECT_NE(policy.find("img-src data:;"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'self'"), std::string::npos);
}

TEST(PreviewPolicy, LoadsRemoteImagesOnlyWhereThatWasAskedFor) {
  const std::string policy(preview_policy({.shows_remote_images = true}));
  EXPECT_TRUE(policy.starts_with("sandbox; default-src 'none'; img-src data: https: http:;")) << policy;
  EXPECT_EQ(policy.find("script-src"), std::string::npos);
  EXPECT_EQ(policy.find("allow-"), std::string::npos);
}

struct HostileCase {
  const char* name;
  std::string html;
};

// Whatever stands in a mail, no tag of it is one that a policy leaves something to.
TEST(PreviewHtml, HasNoElementThatOpensConnectionsOrChangesTheDocument) {
  const std::vector<HostileCase> cases = {
      {"script", "<script>alert(1)</script>"},
      {"in capitals", "<SCRIPT SRC=//evil.example/x.js></SCRIPT>"},
      {"a connection", "<link rel=preconnect href=//evil.example>"},
      {"a look-up", "<LiNk\trel=dns-prefetch href=//evil.example>"},
      {"behind a slash", "<link/rel=preload/href=//evil.example>"},
      {"refresh", "<meta http-equiv=refresh content='0;url=//evil.example'>"},
      {"another base", "<base href=//evil.example/>"},
      {"a frame", "<iframe srcdoc='<script>1</script>'></iframe>"},
      {"a frame set", "<frameset><frame src=//evil.example></frameset>"},
      {"an object", "<object data=//evil.example></object><embed src=//evil.example>"},
      {"within an attribute that ends early", "<img alt=\"><link rel=preconnect href=//evil.example>\">"},
      {"within a comment that ends early", "<!--> <meta http-equiv=refresh content=0> -->"},
      {"within a style", "<style></style><link rel=stylesheet href=//evil.example>"},
      {"within svg", "<svg><script href=//evil.example/x.js /></svg>"},
      {"twice", "<<link rel=preconnect href=//evil.example>"},
      {"cut", "<lin<link rel=preconnect href=//evil.example>"},
      {"a shadow tree", "<div><template shadowrootmode=open><link rel=preconnect href=//evil.example></template></div>"},
      {"at the end", "<link"},
      {"closed", "</script><script>"},
  };
  for (const HostileCase& row : cases) {
    const std::string document = to_ascii_lower(shown(row.html));
    for (const char* tag :
         {"<script", "<link", "<meta", "<base", "<iframe", "<frame", "<object", "<embed", "<template", "</script"}) {
      EXPECT_EQ(document.find(tag), std::string::npos) << row.name << ": " << document;
    }
  }
}

TEST(PreviewHtml, LeavesWhatIsShownAsItIs) {
  const std::string html = "<h1 style=\"color:red\">1 < 2 &amp; 3</h1><table><tr><td>&nbsp;</td></tr></table><!-- x --><p>ü</p>";
  EXPECT_EQ(shown(html), html);
}

TEST(PreviewHtml, PutsTheMailsOwnImagesInItsPlace) {
  const InlineImage images[] = {{"logo@acme", "image/png", "\x89PNG"}, {"bad@acme", "image/svg+xml", "<svg/>"}};
  EXPECT_EQ(shown("<img src=\"cid:logo@acme\">", images), "<img src=\"data:image/png;base64,iVBORw==\">");
  EXPECT_EQ(shown("<img src=CID:logo%40acme>", images), "<img src=data:image/png;base64,iVBORw==>");
  EXPECT_EQ(shown("<td background='cid:logo@acme'>", images), "<td background='data:image/png;base64,iVBORw=='>");
  EXPECT_EQ(shown("<img src=cid:bad@acme>", images), "<img src=cid:bad@acme>") << "an image that is a document";
  EXPECT_EQ(shown("<img src=cid:none>", images), "<img src=cid:none>");
  EXPECT_EQ(shown("<img src=cid:", images), "<img src=cid:");
}

TEST(PreviewHtml, IsBoundedHoweverOftenAnImageIsNamed) {
  const std::string octets(1024 * 1024, 'x');
  const InlineImage images[] = {{"a", "image/gif", octets}};
  std::string html;
  for (int i = 0; i < 100; ++i) html += "<img src=\"cid:a\">";
  const std::string document = preview_html(html, images, {});
  EXPECT_GT(document.size(), octets.size());
  EXPECT_LT(document.size(), kMaxInlinedOctets + 2 * html.size() + 4096);
}

TEST(PreviewHtml, SaysTheSchemeThatTheReaderChose) {
  EXPECT_NE(preview_html("x", {}, {}).find("color-scheme:light"), std::string::npos);
  EXPECT_NE(preview_html("x", {}, {.is_dark = true}).find("color-scheme:dark"), std::string::npos);
}

TEST(PreviewText, IsTextWhateverStandsInIt) {
  const std::string document = preview_text("</pre><script>alert(1)</script> a & b", {});
  EXPECT_EQ(document.find("<script"), std::string::npos);
  EXPECT_NE(document.find("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt; a &amp; b"), std::string::npos) << document;
}

}  // namespace
}  // namespace postern::web
