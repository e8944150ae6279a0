package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/Admiral-Piett/goaws/app/gosqs"
	"github.com/Admiral-Piett/goaws/app/models"
	"github.com/Admiral-Piett/goaws/app/router"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/sirupsen/logrus"
)

const (
	snsRegion    = "eu-central-1"
	snsAccount   = "123456789012"
	snsTopicName = "tekton-runs"
	snsKeyID     = "AKIAIOSFODNN7EXAMPLE"
	snsSecret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var snsTopic = fmt.Sprintf("arn:aws:sns:%s:%s:%s", snsRegion, snsAccount, snsTopicName)

// isSigned signs the request once more with AWS's own signer: the signatures are equal where the secret is.
func isSigned(r *http.Request, body []byte) bool {
	given := r.Header.Get("authorization")
	_, signedPart, found := strings.Cut(given, "SignedHeaders=")
	if !found || !strings.Contains(given, "Credential="+snsKeyID+"/") || !strings.Contains(given, "/"+snsRegion+"/sns/aws4_request") {
		return false
	}
	names, _, _ := strings.Cut(signedPart, ",")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("x-amz-date"))
	if err != nil {
		return false
	}
	again, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return false
	}
	for _, name := range strings.Split(names, ";") {
		if name != "host" && name != "content-length" && name != "x-amz-date" {
			again.Header.Set(name, r.Header.Get(name))
		}
	}
	if !strings.Contains(names, "content-length") {
		again.ContentLength = -1
	}
	digest := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: snsKeyID, SecretAccessKey: snsSecret, SessionToken: r.Header.Get("x-amz-security-token")}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, again, hex.EncodeToString(digest[:]), "sns", snsRegion, at); err != nil {
		return false
	}
	return again.Header.Get("authorization") == given
}

// sns is goaws behind a check of the signature. What was published is read back from a queue that is subscribed to the topic.
func sns(address string, received *Record) (Counterpart, error) {
	logrus.SetOutput(io.Discard)
	log.SetOutput(io.Discard)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return Counterpart{}, err
	}
	models.CurrentEnvironment = models.Environment{Host: host, Port: port, Region: snsRegion, AccountID: snsAccount, QueueAttributeDefaults: models.EnvQueueAttributes{VisibilityTimeout: 30, MessageRetentionPeriod: 3600, MaximumMessageSize: 262144}}
	go gosqs.PeriodicTasks(time.Second, make(chan bool))
	service := router.New()
	call := func(parameters map[string]string) ([]byte, error) {
		form := url.Values{}
		for name, value := range parameters {
			form.Set(name, value)
		}
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
		request.Header.Set("content-type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, request)
		if answer.Code != http.StatusOK {
			return nil, fmt.Errorf("%s: %d %s", parameters["Action"], answer.Code, answer.Body.String())
		}
		return answer.Body.Bytes(), nil
	}
	queue := fmt.Sprintf("http://%s.%s:%s/%s/received", snsRegion, host, port, snsAccount)
	for _, step := range []map[string]string{
		{"Action": "CreateTopic", "Name": snsTopicName},
		{"Action": "CreateQueue", "QueueName": "received"},
		{"Action": "Subscribe", "TopicArn": snsTopic, "Protocol": "sqs", "Endpoint": fmt.Sprintf("arn:aws:sqs:%s:%s:received", snsRegion, snsAccount), "Attributes.entry.1.key": "RawMessageDelivery", "Attributes.entry.1.value": "true"},
	} {
		if _, err := call(step); err != nil {
			return Counterpart{}, err
		}
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !isSigned(r, body) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the signature you provided.</Message></Error><RequestId>counterpart</RequestId></ErrorResponse>`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		service.ServeHTTP(w, r)
	})
	readBack := func() ([]any, error) {
		for {
			text, err := call(map[string]string{"Action": "ReceiveMessage", "QueueUrl": queue, "MaxNumberOfMessages": "10", "MessageAttributeName.1": "All"})
			if err != nil {
				return nil, err
			}
			var answer struct {
				Messages []struct {
					Body       string `xml:"Body"`
					Attributes []struct {
						Name  string `xml:"Name"`
						Value struct {
							DataType    string `xml:"DataType"`
							StringValue string `xml:"StringValue"`
						} `xml:"Value"`
					} `xml:"MessageAttribute"`
				} `xml:"ReceiveMessageResult>Message"`
			}
			if err := xml.Unmarshal(text, &answer); err != nil {
				return nil, err
			}
			if len(answer.Messages) == 0 {
				return received.Items()
			}
			for _, message := range answer.Messages {
				attributes := map[string]string{}
				for _, attribute := range message.Attributes {
					attributes[attribute.Name] = attribute.Value.StringValue
				}
				received.Add(map[string]any{"message": message.Body, "attributes": attributes})
			}
		}
	}
	return Counterpart{Handler: handler, Ready: map[string]any{"endpoint": "http://" + address, "topicARN": snsTopic, "accessKeyId": snsKeyID, "secretAccessKey": snsSecret}, Received: readBack}, nil
}
