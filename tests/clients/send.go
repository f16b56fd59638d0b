package main

import (
	"log"
	"net/smtp"
	"os"
)

func main() {
	auth := smtp.PlainAuth("", os.Getenv("SMTP_USER"), os.Getenv("SMTP_PASSWORD"), "127.0.0.1")
	message := "From: app@example.com\r\nTo: ann@example.org, bob@example.org\r\nSubject: Hello\r\n\r\nHello\r\n"
	to := []string{"ann@example.org", "bob@example.org"}
	if err := smtp.SendMail("127.0.0.1:"+os.Getenv("SMTP_PORT"), auth, "app@example.com", to, []byte(message)); err != nil {
		log.Fatal(err)
	}
}
