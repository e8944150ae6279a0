package main

import (
	"net/http"

	cloudevents "github.com/cloudevents/sdk-go/v2"
)

// cloudEvents receives with the CloudEvents SDK for Go, structured and binary.
func cloudEvents(_ string, received *Record) (Counterpart, error) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := map[string]string{}
		for name := range r.Header {
			headers[name] = r.Header.Get(name)
		}
		event, err := cloudevents.NewEventFromHTTPRequest(r)
		if err == nil {
			err = event.Validate()
		}
		if err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		var data any
		if err := event.DataAs(&data); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		received.Add(map[string]any{
			"id": event.ID(), "type": event.Type(), "source": event.Source(), "subject": event.Subject(), "specversion": event.SpecVersion(),
			"time": event.Time(), "datacontenttype": event.DataContentType(), "extensions": event.Extensions(), "data": data, "headers": headers,
		})
		w.WriteHeader(http.StatusAccepted)
	})
	return Counterpart{Handler: handler}, nil
}
