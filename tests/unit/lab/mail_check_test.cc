#include "lab/mail_check.h"

#include <gmock/gmock.h>

namespace postern::lab {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

const std::string kSound =
    "DKIM-Signature: v=1; a=ed25519-sha256; d=example.com; s=a; bh=x; b=y\r\nFrom: Shop <shop@news.example.com>\r\n"
    "To: ann@example.org\r\nDate: Tue, 1 Dec 2026 09:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nSubject: Hello\r\n";

std::vector<std::string> checks_of(const std::string& raw) {
  std::vector<std::string> names;
  for (const MailFinding& finding : check_mail(open_mail({}, raw))) {
    names.push_back(std::string(severity_name(finding.severity)) + ' ' + std::string(finding.check));
  }
  return names;
}

std::vector<std::string> checks_of_html(const std::string& html, const std::string& fields = "") {
  return checks_of(kSound + fields +
                   "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n"
                   "Content-Type: text/plain\r\n\r\nhello\r\n--a\r\nContent-Type: text/html\r\n\r\n" +
                   html + "\r\n--a--\r\n");
}

TEST(MailCheck, FindsNothingInASoundMail) {
  EXPECT_THAT(checks_of(kSound + "\r\nhello\r\n"), IsEmpty());
  EXPECT_THAT(checks_of_html("<table style=\"color: red\"><tr><td><img src=\"https://example.com/a.png\" alt=\"a > b\">"
                             "<a href=\"https://www.example.com/x\">example.com</a></td></tr></table><!-- <script> -->"),
              IsEmpty());
}

TEST(MailCheck, NamesWhatClientsRemoveOfHtml) {
  struct Row {
    const char* html;
    const char* check;
  };
  constexpr Row kRows[] = {
      {"<script>x</script>", "fault html_script"},
      {"<p onclick=\"x()\">a</p>", "fault html_script"},
      {"<IFRAME src=x></IFRAME>", "fault html_embedded"},
      {"<meta http-equiv=\"refresh\" content=\"0;url=https://x.example\">", "fault html_refresh"},
      {"<form action=\"https://x.example\"><input></form>", "warning html_form"},
      {"<video src=\"https://x.example/a\"></video>", "warning html_media"},
      {"<svg></svg>", "warning html_svg"},
      {"<link rel=\"stylesheet\" href=\"https://x.example/a.css\">", "warning html_stylesheet"},
      {"<style>@import url(x);</style>", "warning css_import"},
      {"<div style=\"Position : absolute\">a</div>", "warning css_position"},
      {"<div style='display: flex'>a</div>", "warning css_flex"},
      {"<img src=\"https://x.example/a.png\">", "warning html_alt"},
      {"<img alt=x src=\"data:image/png;base64,AA\">", "warning data_image"},
      {"<a href=\"http://x.example\">here</a>", "warning plain_link"},
      {"<a href=\"javascript:x()\">here</a>", "fault link_script"},
      {"<a href=\"https://evil.example/\">https://www.bank.example/login</a>", "fault link_elsewhere"},
  };
  for (const Row& row : kRows) EXPECT_THAT(checks_of_html(row.html), ElementsAre(row.check)) << row.html;
  EXPECT_THAT(checks_of_html("<link rel=\"icon\" href=\"https://x.example/a\">"), IsEmpty());
  EXPECT_THAT(checks_of_html("<a href=\"https://track.bank.example/1\">bank.example</a>"), IsEmpty())
      << "a host below what is shown";
  EXPECT_THAT(checks_of_html("<p>" + std::string(105'000, 'a')), Contains("warning html_clipped"));
}

TEST(MailCheck, LooksAtTheHeader) {
  EXPECT_THAT(checks_of(kSound + "Subject: again\r\n\r\nx\r\n"), ElementsAre("fault repeated_field"));
  EXPECT_THAT(checks_of(kSound + "List-Id: <a.example.com>\r\n\r\nx\r\n"), ElementsAre("warning unsubscribe"));
  EXPECT_THAT(checks_of(kSound + "List-Unsubscribe: <mailto:a@example.com>\r\n\r\nx\r\n"), ElementsAre("warning one_click"));
  EXPECT_THAT(checks_of(kSound + "X-Name: caf\xC3\xA9\r\n\r\nx\r\n"), ElementsAre("warning raw_header"));
  EXPECT_THAT(
      checks_of("From: a@example.org\r\n\r\nx\r\n"),
      ElementsAre("fault missing_field", "warning message_id", "warning addressees", "warning subject", "warning unsigned"));
}

TEST(MailCheck, WantsASignatureOfTheAuthorsDomain) {
  const std::string behind = kSound.substr(kSound.find("\r\n") + 2) + "\r\nx\r\n";
  EXPECT_THAT(checks_of("DKIM-Signature: v=1; d=other.example; b=y\r\n" + behind), ElementsAre("warning alignment"));
  EXPECT_THAT(checks_of("DKIM-Signature: v=1; d=notexample.com; b=y\r\n" + behind), ElementsAre("warning alignment"));
  EXPECT_THAT(checks_of("DKIM-Signature: v=1; d = x; d=NEWS.example.com\r\n" + behind), IsEmpty());
}

TEST(MailCheck, LooksAtLinesTextAndAttachments) {
  EXPECT_THAT(checks_of(kSound + "\r\n" + std::string(999, 'a') + "\r\nb\nc\r\n"),
              ElementsAre("fault bare_line_end", "fault long_line"));
  EXPECT_THAT(checks_of(kSound + "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<p>a</p>\r\n"),
              ElementsAre("warning text_part"));
  const std::string attached =
      "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\ntext\r\n--m\r\n"
      "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"";
  EXPECT_THAT(checks_of(kSound + attached + "Invoice.PDF.exe\"\r\n\r\nx\r\n--m--\r\n"), ElementsAre("fault blocked_attachment"));
  EXPECT_THAT(checks_of(kSound + attached + "invoice.pdf\"\r\n\r\nx\r\n--m--\r\n"), IsEmpty());
}

TEST(MailCheck, IsDoneWithWhateverHtmlItIsGiven) {
  for (const char* html : {"<", "<!--", "<a href=\"", "<style>", "<style><", "</", "<>", "<a href='x' style=\"",
                           "<!-- a -->"
                           "<"}) {
    EXPECT_THAT(checks_of_html(html), Not(Contains("fault html_script"))) << html;
  }
}

}  // namespace
}  // namespace postern::lab
